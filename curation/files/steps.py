"""The kinds of change that a transaction is made of: append lines, replace a file, move a file, delete a file.

Each change can be repeated, and each can be taken back. A step tells from the disk alone how far it is, so a killed
process needs to leave no more than the list of its steps. `curation.files.journal` keeps that list. The new bytes wait
in a draft beside their file, and the old file stays beside it until the end, as in the rollback journal of SQLite.
"""

import hashlib
import itertools
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from curation.files.append_only import appending
from curation.files.whole_files import LONGEST_NAME, SUFFIX


@dataclass(frozen=True)
class Append:
    """Add whole lines to a log. `at` is the size of the log before, or -1 when it did not exist."""

    path: str
    at: int
    text: str

    def possible(self, _: Path) -> bool:
        """Lines can always be added; whether the disk has room is seen when they are."""
        return True

    def do(self, root: Path) -> None:
        """Add the lines where the log does not hold them; a part of them that a killed process left goes first."""
        with appending(root / self.path) as log:
            if self._data not in log.there:
                if self._is_ours(log.there):
                    log.cut(max(self.at, 0))
                log.add(self._data)

    def undo(self, root: Path) -> str:
        """Take the lines away, unless somebody added others after them: a line of a person is never cut off."""
        path = root / self.path
        if path.exists() and path.stat().st_size != max(self.at, 0):  # else nothing was added; it may be read-only
            with appending(path) as log:
                if not self._is_ours(log.there) and len(log.there) != max(self.at, 0):
                    return self.path if self._data in log.there else ""
                log.cut(max(self.at, 0))
        if self.at < 0:
            path.unlink(missing_ok=True)
            _remove_empty(path.parent, root)
        return ""

    def close(self, root: Path) -> None:
        """Nothing lies beside a log."""

    @property
    def _data(self) -> bytes:
        return self.text.encode("utf-8", "surrogateescape")

    def _is_ours(self, there: bytes) -> bool:
        """Whether what follows the old end of the log is our lines, or a part of them."""
        tail = there[max(self.at, 0) :]
        return bool(tail) and (self._data.startswith(tail) or (b"\n" + self._data).startswith(tail))


@dataclass(frozen=True)
class Write:
    """Put the draft in the place of a file. `old` and `new` are the SHA-256 of the bytes; "" where there is no file."""

    path: str
    draft: str
    aside: str
    old: str
    new: str

    def possible(self, root: Path) -> bool:
        """Return False where somebody changed the file before the step was taken, or where it was taken back."""
        found = digest_of(root / self.path)
        if os.path.lexists(root / self.draft):
            return found in (self.old, self.new)
        return found != self.old or self.old == self.new

    def do(self, root: Path) -> None:
        """Rename the draft to the file, if that was not done yet."""
        if os.path.lexists(root / self.draft):
            (root / self.path).parent.mkdir(parents=True, exist_ok=True)
            (root / self.draft).replace(root / self.path)

    def undo(self, root: Path) -> str:
        """Bring the old file back. Return the path where somebody changed the new one: then it stays."""
        path, aside = root / self.path, root / self.aside
        if os.path.lexists(root / self.draft) or (found := digest_of(path)) == self.old:
            return ""
        if found != self.new or (self.old and not os.path.lexists(aside)):
            return self.path
        if self.old:
            aside.replace(path)
        else:
            path.unlink(missing_ok=True)
            _remove_empty(path.parent, root)
        return ""

    def close(self, root: Path) -> None:
        """Remove the draft and the old file."""
        (root / self.draft).unlink(missing_ok=True)
        (root / self.aside).unlink(missing_ok=True)


@dataclass(frozen=True)
class Move:
    """Rename a file to a free path on the same file system."""

    path: str
    to: str

    def possible(self, root: Path) -> bool:
        """No file is overwritten: one of the two places must be free."""
        return not (os.path.lexists(root / self.path) and os.path.lexists(root / self.to))

    def do(self, root: Path) -> None:
        """Rename the file, if that was not done yet."""
        _rename(root / self.path, root / self.to)

    def undo(self, root: Path) -> str:
        """Rename the file back. Return its new path where that can't be done: it stays there."""
        start, end = root / self.path, root / self.to
        if os.path.lexists(end) and os.path.lexists(start):
            return self.to
        _rename(end, start)
        _remove_empty(end.parent, root)
        return ""

    def close(self, root: Path) -> None:
        """Nothing lies beside a moved file."""


@dataclass(frozen=True)
class Delete:
    """Remove a file whose copy another step puts somewhere else. It lies `aside` until the end."""

    path: str
    aside: str

    def possible(self, _: Path) -> bool:
        """It can always be removed: its copy is in its new place by then."""
        return True

    def do(self, root: Path) -> None:
        """Put the file aside, if that was not done yet."""
        _rename(root / self.path, root / self.aside)

    def undo(self, root: Path) -> str:
        """Bring the file back, under another name where somebody has put a new file in its place."""
        path, aside = root / self.path, root / self.aside
        if os.path.lexists(aside):
            names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
            _rename(aside, path if not os.path.lexists(path) else next(one for one in names if not one.exists()))
        return ""

    def close(self, root: Path) -> None:
        """Remove the file for good."""
        (root / self.aside).unlink(missing_ok=True)


Step = Append | Write | Move | Delete
KINDS: dict[str, type[Step]] = {"append": Append, "write": Write, "move": Move, "delete": Delete}


def name_of(step: Step) -> str:
    """Return the name of a kind of step in the journal."""
    return type(step).__name__.lower()


def beside(path: Path, mark: str) -> Path:
    """Return the path for a draft of `path`: in its folder, or in the nearest folder above that exists."""
    folder = path.parent
    while not folder.is_dir():
        folder = folder.parent
    name, end = path.name, f".{mark}{SUFFIX}"
    if folder != path.parent or len(os.fsencode(name)) + len(end) + 1 > LONGEST_NAME:
        name = hashlib.sha256(os.fsencode(path)).hexdigest()
    return folder / f".{name}{end}"


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hex, "" where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def put_aside(path: Path, aside: Path) -> None:
    """Keep the old file under a second name: a hard link where the disk has them, else a copy."""
    aside.unlink(missing_ok=True)
    if not os.path.lexists(path):
        return
    try:
        os.link(path, aside, follow_symlinks=False)
    except OSError:
        shutil.copy2(path, aside, follow_symlinks=False)


def inside(name: str) -> bool:
    """Whether a path of a journal lies in the project, and not in the settings of git."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not PurePosixPath(name).is_absolute() and not {"..", ".git"} & set(parts)


def _rename(start: Path, end: Path) -> None:
    if os.path.lexists(start) and not os.path.lexists(end):
        end.parent.mkdir(parents=True, exist_ok=True)
        start.rename(end)


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder, and those above it, as long as they are empty."""
    with suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent
