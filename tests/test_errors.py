"""An error that a person can mend is one message and exit code 1; a fault of ours keeps its traceback."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from curation.errors import INTERRUPTED, STOPPED, CurationError, fail_cleanly


def test_a_curation_error_is_one_message():
    @fail_cleanly
    def main():
        raise CurationError("data/raw does not exist: put your images there")

    with pytest.raises(SystemExit, match=r"^error: data/raw does not exist: put your images there$"):
        main()


def test_a_full_disk_is_one_message_that_names_the_place():
    @fail_cleanly
    def main():
        with Path("/dev/full").open("w") as file:
            file.write("x" * 100_000)

    with pytest.raises(SystemExit, match=r"No space left on device"):
        main()


def test_a_read_only_place_is_named(tmp_path):
    @fail_cleanly
    def main():
        (tmp_path / "no" / "such" / "folder.txt").write_text("x")

    with pytest.raises(SystemExit, match=r"the disk refused at .*folder\.txt"):
        main()


def test_a_fault_of_ours_is_not_hidden():
    @fail_cleanly
    def main():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main()


def test_ctrl_c_in_a_stage_is_one_line_and_exit_code_130(capsys):
    @fail_cleanly
    def main():
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == INTERRUPTED == 130
    assert capsys.readouterr().err == f"{STOPPED}\n"


@pytest.mark.parametrize("code", ["import stages, time", "import time, stages.dedupe"], ids=["imports", "before main"])
def test_ctrl_c_is_one_line_also_before_main_has_begun(code):
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", f"{code}; print('ready', flush=True); time.sleep(60)"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=root, **pipes) as run:
        assert run.stdout.readline() == "ready\n"
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert said == f"{STOPPED}\n"
    assert run.returncode == -signal.SIGINT
