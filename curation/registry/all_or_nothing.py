"""Change several files together: either all of them change or none does. Promotion and rollback use it.

The old files are copied before the first change, and a journal records where each copy belongs. After an error the
copies are put back at once. After a kill the next promotion or rollback puts them back. The idea is the rollback
journal of SQLite.
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
    """Run the block that changes these files; if it raises, restore every file. The caller must hold a lock."""
    _put_aside(project, paths)
    try:
        yield
    except BaseException:
        undo(project)
        raise
    (_folder(project) / JOURNAL).unlink()
    shutil.rmtree(_folder(project))


def undo(project: Project) -> bool:
    """Restore the files of a run that was killed half-way. Return True when there was something to restore."""
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
    """Hard-link the file where the disk allows it; a model file is replaced, never changed in place."""
    if source.suffix == ".safetensors" and not source.is_symlink():
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)
