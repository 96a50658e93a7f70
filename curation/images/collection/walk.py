"""Every file below a folder, in an order that does not depend on the disk.

Links are followed (DVC makes some when told to), but not round in circles. Hidden files and what systems leave behind
are passed over and counted; everything else is listed, so that nothing vanishes without a word.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from curation.tables.class_names import LITTER

EXPECTED = frozenset({".gitignore", ".gitkeep", ".keep", ".dvcignore", ".gitattributes"})


class File(NamedTuple):
    """A file: its path below the folder (posix), the state that identifies it, and why it can't be read, if so."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    problem: str = ""


@dataclass
class Walked:
    """What lies below a folder."""

    files: list[File] = field(default_factory=list)  # sorted by path
    empty: list[str] = field(default_factory=list)  # folders that hold nothing at all
    passed_over: Counter[str] = field(default_factory=Counter)  # how often each kind was seen


def walk(folder: Path) -> Walked:
    """List the files below a folder, the folders that hold nothing, and what was passed over."""
    found = Walked()
    _descend(os.fspath(folder), "", (), found)
    found.files.sort()
    found.empty.sort()
    return found


def names_not_text(folder: Path) -> list[str]:
    """Return the paths below a folder whose names are not UTF-8, spelt with escapes: DVC ends without naming them."""
    found = []
    for where, folders, files in os.walk(os.fsencode(folder)):
        for name in (*folders, *files):
            try:
                name.decode("utf-8")
            except UnicodeDecodeError:
                found.append(os.path.join(where, name).decode("utf-8", "backslashreplace"))  # noqa: PTH118 - bytes
    return sorted(found)


def _descend(folder: str, prefix: str, above: tuple[tuple[int, int], ...], found: Walked) -> None:
    here = os.stat(folder)  # noqa: PTH116 - a million paths: strings are several times quicker than Path
    key = (here.st_dev, here.st_ino)
    if key in above:
        found.files.append(File(prefix.rstrip("/"), 0, 0, 0, "a link that leads back to a folder above it"))
        return
    anything = False
    problems = len(found.files)
    for entry in _entries(folder, prefix, found):
        anything = True
        path = prefix + entry.name
        try:
            state = entry.stat()
        except OSError as error:
            broken = (
                "a link to nothing" if entry.is_symlink() else f"the system refused to look at it: {error.strerror}"
            )
            found.files.append(File(path, 0, 0, 0, broken))
            continue
        if stat.S_ISDIR(state.st_mode):
            _descend(entry.path, f"{path}/", (*above, key), found)
        else:
            file = File(path, state.st_size, state.st_mtime_ns, state.st_ino, _problem(path, state.st_mode))
            found.files.append(file)
    if not anything and prefix and len(found.files) == problems:  # a folder that can't be opened is not empty
        found.empty.append(prefix.rstrip("/"))


def _entries(folder: str, prefix: str, found: Walked) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for item in entries:
                if item.name.startswith(".") or item.name.lower() in LITTER:
                    _count(item, found.passed_over)
                else:
                    yield item
    except OSError as error:
        reason = f"the system refused to open this folder: {error.strerror}"
        found.files.append(File(prefix.rstrip("/"), 0, 0, 0, reason))


def _count(item: os.DirEntry[str], passed_over: Counter[str]) -> None:
    """Count what is passed over, by its name; hidden files, which have many names, together."""
    if item.name in EXPECTED:
        return
    if item.is_dir(follow_symlinks=False):
        passed_over[f"folders {item.name}"] += 1
    else:
        passed_over["hidden files" if item.name.startswith(".") else f"files {item.name}"] += 1


def _problem(path: str, mode: int) -> str:
    if not stat.S_ISREG(mode):
        return "not an ordinary file (a pipe, socket or device)"
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not valid UTF-8: rename it"
    return ""
