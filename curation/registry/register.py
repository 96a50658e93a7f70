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


def register(project: Project, entry: Entry, files: Sequence[str], *, commit: bool) -> list[str]:
    """Commit `files` and tag the version where that is possible. Return the notes to show to the person."""
    there = [name for name in files if project.has(name)]
    by_hand = f"git add {' '.join(there)} && git commit -m '{_subject(entry)}' && curate versions --register"
    if not project.git.exists:
        return ["Not a git repository: no version tag was made."]
    if not commit:
        return [f"Not committed. To register the version: {by_hand}"]
    others = [name for name in project.git.changed() if name not in files]
    if others:
        shown = ", ".join(others[:5])
        return [f"Not committed, because other files have changes ({shown}). Commit the round with them: {by_hand}"]
    if not project.git.commit(_subject(entry), there):
        return [f"git refused to commit (is user.name set?). Run this yourself: {by_hand}"]
    return [f"Committed: {_subject(entry)}", *tag(project, entry)]


def tag(project: Project, entry: Entry) -> list[str]:
    """Tag HEAD as this version and as the stage `production`. Return the notes to show.

    A version that has its tag already is not tagged again.
    """
    import gto.api
    from gto.exceptions import ValidationError

    top, folder = project.git.top, project.git.prefix
    artifact = f"{folder}:{ARTIFACT}" if folder else ARTIFACT
    name = f"{folder}={ARTIFACT}@{entry.version}" if folder else f"{ARTIFACT}@{entry.version}"
    facts: dict[str, Any] = {"repo": str(top), "name": artifact, "version": entry.version, "message": _subject(entry)}
    notes = []
    try:
        if not project.git.has_tag(name):
            gto.api.register(ref="HEAD", **facts)
            notes.append(f"Registered {name}")
        gto.api.assign(stage=STAGE, skip_registration=True, force=True, **facts)
    except ValidationError:
        log = project.relative(project.versions)
        allowed = "only letters a to z, digits, `_`, `-` and `/`"
        return [f"No version tag was made: GTO allows {allowed} in the folder `{folder}`. The version is in {log}"]
    return [*notes, f"{name} has the stage {STAGE}; `git push --tags` shares it"]


def _subject(entry: Entry) -> str:
    return f"{'Promote' if entry.action == 'promote' else 'Roll back to'} {ARTIFACT} {entry.version}"
