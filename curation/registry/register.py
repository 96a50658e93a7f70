"""Register a version in the way of GTO: with an annotated git tag on a commit that holds every file of the version.

`dvc artifacts get . classifier --stage production` and DVC Studio read these tags. When the project is a folder of a
larger repository, GTO puts the folder before the tag: `apps/photos=classifier@v1.0.0`. The commit is made only when the
project has no other uncommitted change. Otherwise the person is told which commands to run, because only the person can
decide what belongs in the commit.
"""

from collections.abc import Sequence
from typing import Any

from curation.project import Project
from curation.registry.versions import Entry

ARTIFACT = "classifier"
STAGE = "production"
Tags = list[list[str]]  # each a name and a revision


def commit_and_tags(project: Project, entry: Entry, files: Sequence[str]) -> dict[str, Any] | None:
    """Return what git is to record once `files` hold the version; None where a person must do it.

    Call it before the files change.
    """
    if not project.git.exists or _others(project, files):
        return None
    return {"message": _subject(entry), "paths": list(files), "tags": tags(project, entry) or []}


def notes(project: Project, entry: Entry, files: Sequence[str], *, commit: bool) -> list[str]:
    """Return what to show to the person after a promotion or rollback that git was to record, or was not."""
    if not project.git.exists:
        return ["Not a git repository: no version tag was made."]
    there = [name for name in files if project.has(name)]
    by_hand = f"git add {' '.join(there)} && git commit -m '{_subject(entry)}' && curate versions --register"
    if not commit:
        return [f"Not committed. To register the version: {by_hand}"]
    if others := _others(project, files):
        shown = ", ".join(others[:5])
        return [f"Not committed, because other files have changes ({shown}). Commit the round with them: {by_hand}"]
    return [_state(project, entry)]


def tag(project: Project, entry: Entry, revision: str = "HEAD") -> list[str]:
    """Tag a revision as this version and as the stage `production`. Return the notes to show.

    A tag that exists already is not made again.
    """
    made = [name for name, at in tags(project, entry, revision) or [] if project.git.tag(name, at, _subject(entry))]
    return [*(f"Tagged {name}" for name in made), _state(project, entry)]


def tags(project: Project, entry: Entry, revision: str = "HEAD") -> Tags | None:
    """Return the tags that this version still needs; None when GTO allows no tag for the folder of the project."""
    version = version_tag(project, entry.version)
    if version is None:
        return None
    git, stage = project.git, f"{version.split('@')[0]}#{STAGE}#"
    numbers = [int(end) for name in git.tags(f"{stage}*") if (end := name.removeprefix(stage)).isdigit()]
    newest = f"{stage}{max(numbers, default=0)}"
    needed = [] if git.has_tag(version) else [[version, revision]]
    if needed or git.commit_of(newest) != git.commit_of(version):
        needed.append([f"{stage}{max(numbers, default=0) + 1}", version])
    return needed


def version_tag(project: Project, version: str) -> str | None:
    """Return the name of the tag of a version; None when GTO allows none for the folder of the project."""
    from gto.constants import fullname_re

    folder = project.git.prefix
    if not fullname_re.search(f"{folder}:{ARTIFACT}" if folder else ARTIFACT):
        return None
    return f"{folder}={ARTIFACT}@{version}" if folder else f"{ARTIFACT}@{version}"


def _others(project: Project, files: Sequence[str]) -> list[str]:
    """Return the changed files of the project that are not of the version."""
    return [name for name in project.git.changed() if name not in files]


def _state(project: Project, entry: Entry) -> str:
    """Say whether the version has its tag."""
    name = version_tag(project, entry.version)
    if name is None:
        log, folder = project.relative(project.versions), project.git.prefix
        allowed = "only letters a to z, digits, `_`, `-` and `/`"
        return f"No version tag was made: GTO allows {allowed} in the folder `{folder}`. The version is in {log}"
    if tags(project, entry):
        return f"{entry.version} has no tag yet: `curate versions --register` makes it"
    return f"{name} has the stage {STAGE}; `git push --tags` shares it"


def _subject(entry: Entry) -> str:
    return f"{'Promote' if entry.action == 'promote' else 'Roll back to'} {ARTIFACT} {entry.version}"
