"""Run a command on a disk that has room for a few pages only, one page more at each try, until it has enough.

The disk is a tmpfs of its own, so the kernel refuses as a real disk does. It needs the right to mount. The command runs
in forks of a process of its own, so that its imports are paid once.
"""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any

from factories.kills import difference, fork, in_process_of_its_own, plain, run, state, warm

PAGE = 4096
MOST = 40  # tries with a page more each; then the room doubles


@contextmanager
def small_disk(size: int, *options: str) -> Iterator[Path]:
    """An empty disk of this many bytes. OSError where this process may not mount one."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs", folder]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            raise OSError("this process may not mount a disk")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def may_mount() -> bool:
    """Whether this process may mount a disk."""
    try:
        with small_disk(PAGE):
            return True
    except OSError:
        return False


def full_everywhere(template: Path, act: str, pages: int = 1) -> dict[str, Any]:
    """Run `act` (Python code on the project `root`) on copies of `template`, with room for more and more pages.

    Returns the number of refusals, what was not as it must be, and the messages. A refusal must exit with 1, say so in
    words, and leave the state as it was; with space the same command must then end as an undisturbed run does.
    """
    return in_process_of_its_own("factories.full_disks", json.dumps([str(template), act, pages]))[0]


def main() -> None:
    """The process that forks: its argument is what `full_everywhere` gives."""
    template, act, pages = json.loads(sys.argv[1])
    warm(act)
    size = sum(path.lstat().st_blocks * 512 + PAGE for path in Path(template).rglob("*"))
    wrong: list[str] = []
    said: list[str] = []
    with small_disk(4 * size + 2**26) as disk, tempfile.TemporaryDirectory() as elsewhere:
        root, filler, told = disk / "project", disk / "filler", Path(elsewhere) / "told"
        before = _copy(Path(template), root)
        assert _told(root, act, told) == 0, told.read_text()
        after = state(root)
        for room in chain(range(0, MOST * pages, pages), (MOST * pages * 2**more for more in count(1))):
            _copy(Path(template), root)
            _fill(filler, room)
            code = _told(root, act, told)
            filler.unlink()
            words = told.read_text()
            if code == 0:
                if state(root) != after:
                    wrong.append(f"{room} pages: {code=} {difference(state(root), before, after)}: {words}")
                break
            said.append(plain(words.strip().encode()))
            if code != 1 or "Traceback" in words or not any(fix in words for fix in ("free space", "Free space")):
                wrong.append(f"{room} pages: {code=} {words}")
            if (found := state(root)) != before:
                wrong.append(f"{room} pages: {difference(found, before, after)}: {words}")
            if _told(root, act, told) or (found := state(root)) != after:
                wrong.append(f"{room} pages: with space it {difference(found, before, after)}: {told.read_text()}")
    print(json.dumps({"refused": len(said), "wrong": wrong, "said": sorted(set(said))}))


def _copy(template: Path, root: Path) -> dict[str, str]:
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root, symlinks=True)
    return state(root)


def _fill(filler: Path, pages: int) -> None:
    """Leave so many pages free."""
    filler.touch()
    free = os.statvfs(filler.parent).f_bavail * os.statvfs(filler.parent).f_frsize - pages * PAGE
    with filler.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, free)


def _told(root: Path, act: str, told: Path) -> int:
    """Run the command in a fork; gives its exit code, and writes what it said to a file on another disk."""

    def work() -> None:
        text = io.StringIO()
        try:
            with contextlib.redirect_stderr(text), contextlib.redirect_stdout(text):
                run(root, act)
        except SystemExit as error:
            if isinstance(error.code, str):
                text.write(error.code)
            raise
        finally:
            told.write_text(text.getvalue())

    return fork(work)
