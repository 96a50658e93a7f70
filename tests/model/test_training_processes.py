"""Training in processes of its own: killed, interrupted, and shared by two."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from curation.model.header import read_header

ROOT = Path(__file__).parents[2]
SCRIPT = """
import signal, sys; from pathlib import Path; import pandas as pd, torch
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is started with it ignored
torch.set_num_threads(1)
from curation.images.store.pixels import Pixels
from curation.model.training.train_candidate import train
from curation.params.loading import load
places = Path("out.safetensors"), Path("report"), Path(".cache/curation")
train(pd.read_parquet("splits.parquet"), Pixels(Path("pixels")), load(Path("params.yaml")), *places)
"""


@pytest.fixture
def folder(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(toy.root / "pixels", "pixels")
    toy.splits.to_parquet("splits.parquet")
    config = toy.params.model_dump()
    Path("params.yaml").write_text(json.dumps({**config, "epochs": 6, "train": {**config["train"], "patience": 0}}))
    Path("run.py").write_text(SCRIPT)
    return tmp_path


def launch(*command, **options):
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HOME": "."}
    return subprocess.Popen([sys.executable, *command], env=environment, stderr=subprocess.PIPE, text=True, **options)


def finish(*command):
    process = launch(*command)
    told = process.communicate(timeout=300)[1]
    assert process.returncode == 0, told


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_nothing_half_written(folder):
    finish("run.py")
    whole = Path("out.safetensors").read_bytes()
    Path("out.safetensors").unlink()
    process = launch("run.py")
    next(line for line in process.stderr if line.startswith("epoch 3/6"))
    time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not Path("out.safetensors").exists()
    finish("run.py")
    assert Path("out.safetensors").read_bytes() == whole


@pytest.mark.slow
def test_ctrl_c_leaves_no_process_and_no_file(folder):
    process = launch("run.py", start_new_session=True)
    next(line for line in process.stderr if line.startswith("epoch 1/6"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert not list(Path().rglob("*.partial"))
    assert subprocess.run(["pgrep", "-g", str(process.pid)], check=False).returncode == 1


@pytest.mark.slow
def test_two_processes_train_the_same_model(folder, answer_of):
    """Each computes its share in two parts, whose gradients it exchanges once."""
    finish("run.py")
    alone = read_header(Path("out.safetensors"))
    config = json.loads(Path("params.yaml").read_text())
    Path("params.yaml").write_text(json.dumps({**config, "train": {**config["train"], "accumulate": 2}}))
    flags = ["--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", "2"]
    finish("-m", "torch.distributed.run", *flags, "run.py")
    together = read_header(Path("out.safetensors"))
    assert together.lineage == alone.lineage
    assert together.metrics["train_loss"] == pytest.approx(alone.metrics["train_loss"], rel=0.5)
    assert answer_of(Path("out.safetensors"))[0] == pytest.approx(together.metrics["val_loss"], abs=1e-4)
