"""Training on a GPU in processes of its own: killed, resumed, shared by two. Skipped where there is no CUDA."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from curation.model.header import read_header

pytestmark = pytest.mark.gpu
ROOT = Path(__file__).parents[2]
EPOCHS = 3
# Two ranks share the one card, which NCCL refuses: they meet through gloo before the trainer would choose NCCL.
SCRIPT = """
import os, sys; from pathlib import Path; import pandas as pd, torch
from curation.images.store.pixels import Pixels
from curation.model.training.train_candidate import train
from curation.params.loading import load
if int(os.environ.get("WORLD_SIZE", 1)) > 1:
    os.environ["LOCAL_RANK"] = "0"
    torch.distributed.init_process_group("gloo")
places = Path(sys.argv[1]), Path("report"), Path(".cache/curation")
train(pd.read_parquet("splits.parquet"), Pixels(Path("pixels")), load(Path("params.yaml")), *places)
"""


@pytest.fixture(scope="module")
def folder(toy, tmp_path_factory):
    """A folder with what training needs, and a whole run's `whole.safetensors` and its figures."""
    here = tmp_path_factory.mktemp("gpu")
    shutil.copytree(toy.root / "pixels", here / "pixels")
    toy.splits.to_parquet(here / "splits.parquet")
    config = toy.params.model_dump()
    train = {**config["train"], "patience": 0, "device": "cuda", "precision": "fp16", "ema": 0.5}
    (here / "params.yaml").write_text(json.dumps({**config, "epochs": EPOCHS, "train": train}))
    (here / "run.py").write_text(SCRIPT)
    finish(here, "run.py", "whole.safetensors")
    shutil.copytree(here / "report", here / "whole-report")
    return here


def launch(folder, *command):
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "GLOO_SOCKET_IFNAME": "lo"}  # there may be no other network
    return subprocess.Popen([sys.executable, *command], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def finish(folder, *command):
    process = launch(folder, *command)
    told = process.communicate(timeout=200)[1]
    assert process.returncode == 0, told


def test_a_run_that_was_killed_ends_with_the_same_bytes(folder):
    process = launch(folder, "run.py", "killed.safetensors")
    next(line for line in process.stderr if line.startswith(f"epoch 2/{EPOCHS}"))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (folder / "killed.safetensors").exists()
    finish(folder, "run.py", "killed.safetensors")
    assert (folder / "killed.safetensors").read_bytes() == (folder / "whole.safetensors").read_bytes()
    assert (folder / "report/history.csv").read_bytes() == (folder / "whole-report/history.csv").read_bytes()


def test_what_was_trained_on_a_gpu_scores_the_same_on_a_cpu(folder, answer_of):
    metrics = read_header(folder / "whole.safetensors").metrics
    assert answer_of(folder / "whole.safetensors")[0] == pytest.approx(metrics["val_loss"], rel=2e-2)


def test_two_processes_train_the_same_model(folder, answer_of):
    flags = ["--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", "2"]
    finish(folder, "-m", "torch.distributed.run", *flags, "run.py", "shared.safetensors")
    alone, shared = (
        np.loadtxt(folder / name / "history.csv", delimiter=",", skiprows=1) for name in ("whole-report", "report")
    )
    assert shared[0, 2] == pytest.approx(alone[0, 2], rel=0.1)
    metrics = read_header(folder / "shared.safetensors").metrics
    assert answer_of(folder / "shared.safetensors")[0] == pytest.approx(metrics["val_loss"], rel=2e-2)
