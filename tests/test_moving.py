"""A run that works or speaks goes on, however long it takes; one that does neither is ended."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from moving import StuckError, run_while_it_moves, wait_while_it_moves

SPEAK = "import time\nfor _ in range(9): print(1, flush=True); time.sleep(0.5)"
WORK = "import time\nuntil = time.monotonic() + 4.5\nwhile time.monotonic() < until: pass"
CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {WORK!r}])"
STILL = """
import subprocess, time
child = subprocess.Popen(['sleep', '600'])
print('child', child.pid, flush=True)
time.sleep(600)
"""


def python(code, folder, still=3.0):
    return run_while_it_moves([sys.executable, "-c", code], folder, os.environ, still=still)


@pytest.mark.parametrize("code", [SPEAK, WORK, CHILD], ids=["it speaks", "it works", "its child works"])
def test_what_moves_is_not_ended(tmp_path, code):
    assert python(code, tmp_path)[0] == 0


def test_what_stands_still_is_ended_with_its_children_and_what_it_said(tmp_path):
    started = time.monotonic()
    with pytest.raises(StuckError, match=r"child \d+") as caught:
        python(STILL, tmp_path)
    child = Path(f"/proc/{str(caught.value).split()[-1]}/stat")
    while time.monotonic() - started < 60 and child.exists() and ") Z " not in child.read_text():
        time.sleep(0.1)
    assert time.monotonic() - started < 60, "its child lives on"


def test_exit_code_and_words_come_back(tmp_path):
    code, said = python("import sys; print('ready', flush=True); sys.exit('no')", tmp_path)
    assert (code, said) == (1, "ready\nno\n")


@pytest.fixture
def background(tmp_path):
    """Start code in a folder below the test's own, and end it with the test: background(code) -> its state."""
    (tmp_path / "trial").mkdir()
    with ExitStack() as stack:

        def start(code):
            work = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path / "trial", stdout=subprocess.DEVNULL)
            stack.callback(work.wait)
            stack.callback(work.kill)
            return lambda: "running" if work.poll() is None else "ended"

        yield start


def test_work_in_the_background_is_waited_for(background, tmp_path):
    assert wait_while_it_moves(background(WORK), "ended".__eq__, tmp_path, still=3.0) == "ended"


def test_work_in_the_background_that_stands_still_is_no_longer_waited_for(background, tmp_path):
    with pytest.raises(StuckError, match="running"):
        wait_while_it_moves(background("import time; time.sleep(600)"), "ended".__eq__, tmp_path, still=3.0)
