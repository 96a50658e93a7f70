"""The log of candidates that the gate refused, one JSON line for each. Lines are added and never rewritten.

A benchmark is used up by trying: of many candidates that are a little worse than production, one passes by chance in
the end. The log keeps the attempts, so that this can be seen.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from curation.files.append_only import append_lines, read_json
from curation.project import Project
from curation.tables.names_as_data import json_text


def record(project: Project, md5: str, why: Sequence[str]) -> None:
    """Add one refused attempt to the log, which the next promotion commits. A command that fails makes no commit.

    md5: of the candidate. why: what the gate said. The same words about the same candidate are logged once.
    """
    path = project.refusals
    if not why or any((line["md5"], line["why"]) == (md5, list(why)) for line in read(project)):
        return
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line = {"md5": md5, "time": now, "person": project.git.person(), "why": list(why)}
    append_lines(path, [json_text(line, None)])


def read(project: Project) -> list[dict[str, object]]:
    """Return the attempts, oldest first."""
    return [line for _, line in read_json(project.refusals)]
