"""Several files that change together or not at all: what a promotion writes.

Before the first change the old files are put aside, with a journal that says where they belong. An error puts them
back at once; after a kill the next promotion or rollback does. The idea is the rollback journal of SQLite.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from curation.files import whole, write_text
from curation.project import Project

JOURNAL = "journal.json"


@contextmanager
def all_or_nothing(project: Project, paths: Sequence[Path]) -> Iterator[None]:
    """Change these files in the block; if it fails, each is as it was before. The caller holds a lock."""
    _put_aside(project, paths)
    try:
        yield
    except BaseException:
        undo(project)
        raise
    (_folder(project) / JOURNAL).unlink()
    shutil.rmtree(_folder(project))


def undo(project: Project) -> bool:
    """Put back what a run that ended half-way has changed; True when there was something to put back."""
    folder = _folder(project)
    journal = folder / JOURNAL
    found = journal.exists()
    if found:
        for name, kept in json.loads(journal.read_text(encoding="utf-8")).items():
            target = project.file(name)
            if kept:
                with whole(target) as draft:
                    shutil.copyfile(folder / kept, draft)
            else:
                target.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return found


def _folder(project: Project) -> Path:
    return project.cache("promotion")


def _put_aside(project: Project, paths: Sequence[Path]) -> None:
    folder = _folder(project)
    folder.mkdir(parents=True)
    kept = {project.relative(path): f"{number}" if path.exists() else "" for number, path in enumerate(paths)}
    for name, copy in kept.items():
        if copy:
            _copy(project.file(name), folder / copy)
    write_text(folder / JOURNAL, json.dumps(kept, indent=1))


def _copy(source: Path, target: Path) -> None:
    """Give the bytes of a model a second name where the disk can: a model is replaced, never written through."""
    if source.suffix == ".safetensors" and not source.is_symlink():
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)
