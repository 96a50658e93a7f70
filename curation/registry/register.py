"""Registering a version the way GTO does: an annotated git tag, on a commit that holds everything it names.

`dvc artifacts get . classifier --stage production` and DVC Studio read these tags. The commit is made only when nothing
else is uncommitted; otherwise the commands to run are said, for what belongs in a commit is the person's to decide.
"""

from collections.abc import Sequence
from pathlib import Path

from curation.registry import project_state
from curation.registry.versions import Entry

ARTIFACT = "classifier"
STAGE = "production"


def register(root: Path, entry: Entry, files: Sequence[str], *, commit: bool) -> list[str]:
    """Commit `files` and tag the version, where that is possible; return what to tell the person."""
    by_hand = (
        f"git add {' '.join(_there(root, files))} && git commit -m '{_subject(entry)}' && curate versions --register"
    )
    others = project_state.dirty_besides(root, files)
    if others is None:
        return ["Not a git repository: no version tag was made."]
    if not commit:
        return [f"Not committed. To register the version: {by_hand}"]
    if others:
        shown = ", ".join(others[:5])
        return [f"Not committed, because other files have changes ({shown}). Commit the round with them: {by_hand}"]
    if project_state.git(root, "add", "-f", "--", *_there(root, files)) is None or (
        project_state.git(root, "commit", "-q", "-m", _subject(entry), "--", *_there(root, files)) is None
    ):
        return [f"git would not commit (is user.name set?). By hand: {by_hand}"]
    return [f"Committed: {_subject(entry)}", *tag(root, entry)]


def tag(root: Path, entry: Entry) -> list[str]:
    """Tag HEAD as the version (unless it has the tag) and give it the stage `production`; say what was tagged."""
    import gto.api

    notes = []
    name = f"{ARTIFACT}@{entry.version}"
    if project_state.git(root, "rev-parse", "-q", "--verify", f"refs/tags/{name}") is None:
        gto.api.register(repo=str(root), name=ARTIFACT, ref="HEAD", version=entry.version, message=_subject(entry))
        notes.append(f"Registered {name}")
    gto.api.assign(
        repo=str(root),
        name=ARTIFACT,
        stage=STAGE,
        version=entry.version,
        message=_subject(entry),
        skip_registration=True,
        force=True,
    )
    return [*notes, f"{name} has the stage {STAGE}; `git push --tags` shares it"]


def _subject(entry: Entry) -> str:
    return f"{'Promote' if entry.action == 'promote' else 'Roll back to'} {ARTIFACT} {entry.version}"


def _there(root: Path, files: Sequence[str]) -> list[str]:
    return [name for name in files if (root / name).exists()]
