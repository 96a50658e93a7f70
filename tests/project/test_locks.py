"""One command at a time: who holds a part of the project is named, a dead one never blocks, and DVC is kept away."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from factories.projects import Repository

from curation.project import Project
from curation.project.dvc_locks import running
from curation.project.locks import LockedError, hold, patience
from curation.project.parts import Part

HOLD = """
import os, sys, time
from pathlib import Path
from curation.project import Project
from curation.project.parts import Part
with Project(Path(sys.argv[1])).alone(Part(sys.argv[2])):
    if "fork" in sys.argv:
        ready, tell = os.pipe()
        child = os.fork()
        if not child:
            os.write(tell, b"1")
            time.sleep(60)
        os.read(ready, 1)
        print(child, flush=True)
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""
STAGE = (
    "stages:\n  slow:\n    cmd: touch started && sleep 4 && cp data/raw/a out\n    deps: [data/raw]\n    outs: [out]\n"
)


@contextlib.contextmanager
def held(root, part, seconds=60.0, *more):
    """Another process that holds a part, and what it printed before."""
    command = [sys.executable, "-c", HOLD, str(root), part, str(seconds), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        try:
            said = []
            while (line := holder.stdout.readline().strip()) != "held":
                assert line, "it ended"
                said.append(line)
            yield holder, said
        finally:
            holder.kill()


@pytest.fixture
def project(tmp_path):
    """A project under git and DVC with one slow stage on data/raw."""
    repository = Repository.start(tmp_path / "p", {"dvc.yaml": STAGE, "params.yaml": "seed: 1\n", "data/raw/a": "x"})
    return Project(repository.root)


def test_the_second_command_ends_and_names_the_first(tmp_path):
    project = Project(tmp_path)
    with held(tmp_path, "images") as (holder, _):
        with pytest.raises(LockedError, match=rf"process {holder.pid}, since 20.* holds the image files.*--wait"):
            project.alone(Part.IMAGES).__enter__()
        with project.alone(Part.REGISTRY):
            pass  # another part is free


def test_with_patience_the_second_command_waits_and_says_for_whom(tmp_path, capsys):
    start = time.monotonic()
    with held(tmp_path, "images", 2.5) as (holder, _), patience(60), Project(tmp_path).alone(Part.IMAGES):
        assert time.monotonic() - start >= 2
    assert f"process {holder.pid}" in capsys.readouterr().err
    with held(tmp_path, "images"), pytest.raises(LockedError), patience(0.3):
        Project(tmp_path).alone(Part.IMAGES).__enter__()


def test_a_killed_command_never_blocks_not_even_through_its_workers(tmp_path):
    with held(tmp_path, "images", 60, "fork") as (holder, said):
        holder.kill()
        holder.wait()
        try:
            with Project(tmp_path).alone(Part.IMAGES):
                pass
        finally:
            os.kill(int(said[0]), signal.SIGKILL)


def test_a_lock_whose_folder_was_deleted_is_taken_anew(tmp_path):
    path = tmp_path / "cache" / "x.lock"
    with hold(path):
        path.unlink()
        with hold(path, wait=False):
            pass
    with hold(path, wait=False):
        assert json.loads(path.read_text())["pid"] == os.getpid()


@pytest.mark.slow
def test_a_command_that_changes_inputs_does_not_start_while_a_stage_runs(project):
    with subprocess.Popen([sys.executable, "-m", "dvc", "repro", "-q"], cwd=project.root) as repro:
        while not (project.root / "started").exists():
            time.sleep(0.05)
        assert running(project.root).pid == repro.pid
        with pytest.raises(LockedError, match=rf"`dvc repro -q` \(process {repro.pid}, .*runs in this project"):
            project.alone(Part.IMAGES).__enter__()
        with patience(120), project.alone(Part.IMAGES):
            assert (project.root / "out").read_text() == "x"
        assert repro.wait() == 0
    assert running(project.root) is None


@pytest.mark.slow
def test_dvc_does_not_start_a_stage_whose_inputs_a_command_changes(project):
    with held(project.root, "images") as (holder, _):
        done = subprocess.run(
            [sys.executable, "-m", "dvc", "repro"], cwd=project.root, capture_output=True, text=True, check=False
        )
    assert done.returncode
    assert "is busy" in done.stderr
    assert f"(PID {holder.pid})" in done.stderr
    assert not (project.root / "started").exists()
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], cwd=project.root, check=True)  # the dead one is gone


def test_a_damaged_list_of_dvc_is_one_message(project):
    (project.root / ".dvc/tmp").mkdir(exist_ok=True)
    (project.root / ".dvc/tmp/rwlock").write_text("")
    assert running(project.root) is None
    with pytest.raises(Exception, match="curate doctor"):
        project.alone(Part.IMAGES).__enter__()
