"""Every file below a folder, in an order that does not depend on the disk.

Links are followed (DVC makes some when told to), but not round in circles. Hidden files and what systems leave behind
are passed over; everything else is yielded, so that nothing vanishes without a word.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LITTER = frozenset(
    {
        *("thumbs.db", "desktop.ini", "ehthumbs.db", "$recycle.bin", "system volume information"),  # Windows
        *("__macosx", "icon\r"),  # macOS
        *("@eadir", "@recycle", "@tmp", "#recycle", "#snapshot", "lost+found"),  # Synology, QNAP, Linux
    }
)


class File(NamedTuple):
    """A file: its path below the folder (posix), the state that identifies it, and why it can't be read, if so."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    problem: str = ""


def walk(folder: Path) -> tuple[list[File], list[str]]:
    """List the files below a folder, sorted by path, and the folders that hold nothing at all."""
    files: list[File] = []
    empty: list[str] = []
    _descend(os.fspath(folder), "", (), files, empty)
    return sorted(files), sorted(empty)


def _descend(folder: str, prefix: str, above: tuple[tuple[int, int], ...], files: list[File], empty: list[str]) -> None:
    here = os.stat(folder)  # noqa: PTH116 - a million paths: strings are several times quicker than Path
    key = (here.st_dev, here.st_ino)
    if key in above:
        files.append(File(prefix.rstrip("/"), 0, 0, 0, "a link that leads back to a folder above it"))
        return
    anything = False
    for entry in _entries(folder, prefix, files):
        anything = True
        path = prefix + entry.name
        try:
            state = entry.stat()
        except OSError as error:
            broken = (
                "a link to nothing" if entry.is_symlink() else f"the system refused to look at it: {error.strerror}"
            )
            files.append(File(path, 0, 0, 0, broken))
            continue
        if stat.S_ISDIR(state.st_mode):
            _descend(entry.path, f"{path}/", (*above, key), files, empty)
        else:
            files.append(File(path, state.st_size, state.st_mtime_ns, state.st_ino, _problem(path, state.st_mode)))
    if not anything and prefix:
        empty.append(prefix.rstrip("/"))


def _entries(folder: str, prefix: str, files: list[File]) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from (item for item in found if not item.name.startswith(".") and item.name.lower() not in LITTER)
    except OSError as error:
        files.append(File(prefix.rstrip("/"), 0, 0, 0, f"the system refused to open this folder: {error.strerror}"))


def _problem(path: str, mode: int) -> str:
    if not stat.S_ISREG(mode):
        return "not an ordinary file (a pipe, socket or device)"
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not valid UTF-8: rename it"
    return ""
