"""Kill a command before each of its file operations, then settle the project, and compare its bytes.

The command runs in forks of a process of its own, so that its imports are paid once. An audit hook counts what Python
does with files of the project: opening for writing, renaming, removing, making, linking, and every program that is
started. At the chosen operation the fork sends SIGKILL to itself. A write to a log is cut in its middle.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "subprocess.Popen"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
TIMES = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
STAMPS = re.compile(r"\d{8}-\d{6}(-\d+)?")  # of a folder in the trash
NOT_COMPARED = (".git/", ".dvc/", ".cache/")


def killed_everywhere(
    template: Path, work: Path, act: str, *, every: int = 1, again: str = "", settle: str = ""
) -> dict[str, Any]:
    """Run `act` on copies of `template`, killed at each operation; `every` takes only each n-th of them.

    act: Python code that works on the project `root`. After each kill, in turn, `act` runs again (or `again`), or
    `settle` runs; without it `curation.cli.checks.MENDS`. Returns the number of kills, and what was not as it must be:
    after `again` the state of an undisturbed run, after `settle` that or the state before, and no draft in either case.
    """
    spec = json.dumps([str(template), str(work), act, every, again or act, settle or MEND])
    found, told = in_process_of_its_own("factories.kills", spec)
    if found["wrong"]:
        found["wrong"].append(told)
    return found


def in_process_of_its_own(module: str, spec: str) -> tuple[dict[str, Any], str]:
    """Run `main` of a module of the tests on a spec in JSON; returns what it found, and the end of its stderr."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", f"from {module} import main; main()", spec],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1]), done.stderr[-4000:]


MEND = """
from curation.cli.checks import MENDS
for repair in MENDS:
    repair(root)
"""


def main() -> None:
    """The process that forks: its argument is what `killed_everywhere` gives."""
    template, work, act, every, again, settle = json.loads(sys.argv[1])
    warm(act, again, settle)
    before, after = state(Path(template)), _undisturbed(Path(template), Path(work) / "undisturbed", act)
    assert before != after, "the command changes nothing"
    wrong: list[str] = []
    states = {"before": 0, "after": 0}
    for number in count(1, every):
        root = Path(work) / str(number)
        shutil.copytree(template, root, symlinks=True)
        killed = fork(lambda root=root, number=number: _die(root, number, act)) == -signal.SIGKILL
        repeat = number // every % 2 == 0
        told = fork(lambda root=root, code=again if repeat else settle: run(root, code))
        found = state(root)
        drafts = [str(path) for path in root.rglob("*.partial")]
        if drafts or found not in ((after,) if repeat else (before, after)):
            wrong.append(f"operation {number}: {told=} {drafts=} {difference(found, before, after)}")
        states["after" if found == after else "before"] += 1
        shutil.rmtree(root)
        if not killed:
            print(json.dumps({"kills": (number - 1) // every, "wrong": wrong, **states}))
            return


def state(root: Path) -> dict[str, str]:
    """The files of a project by name, and what git knows, all without the times of writing."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not name.startswith(NOT_COMPARED):
            found[STAMPS.sub("STAMP", name)] = plain(path.read_bytes())
        elif path.is_dir() and not name.startswith(NOT_COMPARED) and name not in (".git", ".dvc", ".cache"):
            found[f"{STAMPS.sub('STAMP', name)}/"] = ""
    if (root / ".git").exists():
        for words in (["status", "--porcelain", "-uall"], ["log", "--format=%s"], ["tag"]):
            found["git " + words[0]] = subprocess.run(
                ["git", *words], cwd=root, capture_output=True, text=True, check=True
            ).stdout
    return found


def plain(data: bytes) -> str:
    """The text of a file without the times of writing."""
    return STAMPS.sub("STAMP", TIMES.sub(b"TIME", data).decode("latin-1"))


def difference(found: dict[str, str], *wanted: dict[str, str]) -> str:
    """The names of the files that differ from the state before, and from that after."""
    names = [{name for name in found.keys() | other.keys() if found.get(name) != other.get(name)} for other in wanted]
    return f"differs from before in {sorted(names[0])}, from after in {sorted(names[1])}"


def _undisturbed(template: Path, root: Path, act: str) -> dict[str, str]:
    shutil.copytree(template, root, symlinks=True)
    assert fork(lambda: run(root, act)) == 0, "the command fails without a kill"
    return state(root)


def fork(work: Callable[[], None]) -> int:
    """Run in a fork; gives its exit code, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except Exception:  # noqa: BLE001 - whatever it is, the parent is to see it
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def warm(*codes: str) -> None:
    """Import what the codes import, once, before the forks."""
    for line in "\n".join(codes).splitlines():
        if line.startswith(("from ", "import ")):
            exec(line, {})


def run(root: Path, code: str) -> None:
    """Run code in a folder, which it knows as `root`."""
    os.chdir(root)
    exec(code, {"root": root})


def _die(root: Path, number: int, act: str) -> None:
    """Run the command, and kill it before its operation with this number."""
    left = [number]

    def one_less() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, words: tuple[Any, ...]) -> None:
        if event == "open":
            name, flags = words[0], words[2] or 0
            if not flags & WRITING or not isinstance(name, str | bytes):
                return
        elif event not in EVENTS:
            return
        names = [os.fsdecode(word) for word in words[:2] if isinstance(word, str | bytes)]
        if event in ("subprocess.Popen", "os.truncate") or any(name.startswith(str(root)) for name in names):
            one_less()

    write = os.write

    def torn(file: int, data: bytes) -> int:
        left[0] -= 1
        if left[0] == 0:
            write(file, bytes(data)[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return write(file, data)

    sys.addaudithook(hook)
    os.write = torn
    run(root, act)
