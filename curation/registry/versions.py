"""The log of production models, one JSON line for each promotion or rollback. Lines are added and never rewritten.

Version numbers are semantic for the users of the labels. A removed class is a major change, an added class is a minor
change, and anything else is a patch.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from curation.errors import CurationError
from curation.files.append_only import LineError, read_json
from curation.project import Project
from curation.tables.names_as_data import json_text


class VersionError(CurationError):
    """A version is not in the log, or the log can't be read."""


@dataclass(frozen=True)
class Entry:
    """One line of the log."""

    action: str  # promote | rollback
    version: str
    md5: str
    size: int
    calibration_md5: str
    calibration_size: int
    classes: list[str]
    parent: str
    dataset: str
    git_revision: str
    time: str
    person: str
    reason: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    links: dict[str, dict[str, float]] = field(default_factory=dict)  # set -> change against `parent` on shared images


def read_log(project: Project) -> list[Entry]:
    """Return all entries, oldest first; an empty list when there is no log. VersionError when a line can't be read."""
    path = project.versions
    try:
        return [Entry(**line) for _, line in read_json(path)]
    except (LineError, TypeError) as error:
        raise VersionError(f"{path} can't be read ({error}); restore it with `git checkout {path}`") from None


def line(entry: Entry) -> str:
    """Return the line of the log for an entry, with its line end."""
    return json_text(asdict(entry), None) + "\n"


def next_version(log: list[Entry], classes: list[str]) -> str:
    """Return the version number that follows the newest promotion for these classes; v1.0.0 when the log is empty."""
    promoted = [entry for entry in log if entry.action == "promote"]
    if not promoted:
        return "v1.0.0"
    highest = max(promoted, key=lambda entry: parts(entry.version))
    major, minor, patch = parts(highest.version)
    before = set(log[-1].classes)
    if before - set(classes):
        return f"v{major + 1}.0.0"
    return f"v{major}.{minor + 1}.0" if set(classes) - before else f"v{major}.{minor}.{patch + 1}"


def parts(version: str) -> tuple[int, int, int]:
    """Split a version such as v1.2.3 into (major, minor, patch)."""
    try:
        major, minor, patch = (int(number) for number in version.removeprefix("v").split("."))
    except ValueError:
        raise VersionError(
            f"`{version}` is not a version; expected one such as v1.2.3, as `curate versions` lists them"
        ) from None
    return major, minor, patch


def before_current(log: list[Entry]) -> Entry:
    """Return the promotion that was production before the current one. VersionError when there is none."""
    if not log:
        raise VersionError(
            "nothing was promoted yet, so there is nothing to roll back; `curate promote` makes a version"
        )
    line: list[Entry] = []
    for entry in log:
        if entry.action == "rollback":
            names = [item.version for item in line]
            line = line[: names.index(entry.version) + 1] if entry.version in names else [*line, entry]
        else:
            line.append(entry)
    if len(line) < 2:
        raise VersionError(f"{line[-1].version} is the first version, so there is none before it")
    return line[-2]


def find(log: list[Entry], version: str) -> Entry:
    """Return the promotion that made this version. VersionError when the log has no such version."""
    for entry in reversed(log):
        if entry.version == version and entry.action == "promote":
            return entry
    known = ", ".join(dict.fromkeys(entry.version for entry in log)) or "none"
    raise VersionError(f"there is no version `{version}`; there are: {known}")
