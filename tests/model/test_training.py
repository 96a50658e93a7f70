import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from curation.model import checkpoint, training
from curation.model.ancestor import AncestorError, make_backbone, start_from
from curation.model.engine import DivergedError
from curation.model.examples import NothingToTrainError
from curation.model.header import CheckpointError, read_header
from curation.model.scoring import Scorer
from curation.model.training import train, united_lineage
from curation.params import Params

ROOT = Path(__file__).parents[2]


def changed(params: Params, **changes) -> Params:
    """The same parameters with other values; the block `train` is merged."""
    block = params.train.model_copy(update=changes.pop("train", {}))
    return params.model_copy(update={**changes, "train": block})


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(toy, params=None, splits=None, name="candidate"):
    out = Path(f"models/{name}.safetensors")
    train(toy.splits if splits is None else splits, toy.pixels, params or toy.params, out, Path(f"reports/{name}"))
    return out


def test_training_learns_and_says_so(toy, here, caplog):
    caplog.set_level("INFO")
    out = run(toy, changed(toy.params, epochs=10, train={"patience": 0}))
    header = read_header(out)
    assert header.classes == ("cherry", "leaf", "sky")
    assert header.metrics["train_accuracy"] > 0.8
    assert header.parent == checkpoint.md5(toy.base())
    assert header.params["epochs"] == 10
    assert "inherited from" in caplog.text
    assert "device: CPU" in caplog.text
    lines = Path("reports/candidate/history.csv").read_text().splitlines()
    assert lines[0] == "epoch,lr,train_loss,train_accuracy,val_loss,val_accuracy"
    assert len(lines) == 11
    assert not list(Path(".cache/curation/train").iterdir())


def test_the_candidate_scores_as_training_measured_it(toy, here):
    out = run(toy, changed(toy.params, epochs=2))
    val = toy.splits[toy.splits["split"] == "val"]
    scorer = Scorer(out, device="cpu")
    logits = scorer.score(toy.pixels.batch(toy.pixels.rows(val["image_id"]))).logits
    labels = np.array([scorer.header.classes.index(label) for label in val["label"]])
    losses = torch.nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels))
    assert float(losses) == pytest.approx(scorer.header.metrics["val_loss"], abs=1e-4)
    assert (logits.argmax(1) == labels).mean() == pytest.approx(scorer.header.metrics["val_accuracy"], abs=1e-5)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(toy, here):
    first, second = run(toy, name="one"), run(toy, name="two")
    assert first.read_bytes() == second.read_bytes()
    assert Path("reports/one/history.csv").read_bytes() == Path("reports/two/history.csv").read_bytes()
    third = run(toy, changed(toy.params, seed=1), name="three")
    assert checkpoint.load(third)[1]["conv1.0.weight"].ne(checkpoint.load(first)[1]["conv1.0.weight"]).any()


def test_the_number_of_reading_threads_changes_nothing(toy, here):
    first = run(toy, changed(toy.params, epochs=1, train={"workers": 1}), name="one")
    second = run(toy, changed(toy.params, epochs=1, train={"workers": 4}), name="four")
    states = [checkpoint.load(path)[1] for path in (first, second)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_at_step_0_all_but_the_head_is_the_parents(toy, here):
    parent_path = run(toy, changed(toy.params, epochs=1))
    parent, state = checkpoint.load(parent_path)
    start = start_from(parent_path, (*parent.classes, "zebra"), toy.params)
    own = start.model.state_dict()
    body = {name for name in own if not name.startswith(f"{start.head}.")}
    assert all(torch.equal(own[name], state[name]) for name in body)
    assert own[f"{start.head}.weight"].shape[0] == 4
    assert "new: zebra" in " ".join(start.story)


@pytest.mark.parametrize("how", ["random", "zero", "reuse"])
def test_the_head_is_made_as_asked(toy, here, how):
    parent_path = run(toy, changed(toy.params, epochs=1))
    parent, state = checkpoint.load(parent_path)
    classes = ("badger", *parent.classes)
    start = start_from(parent_path, classes, changed(toy.params, train={"head": how}))
    rows = start.model.get_submodule(start.head).weight
    kept = torch.equal(rows[1:], state[f"{start.head}.weight"])
    assert kept == (how == "reuse")
    assert (rows[0] == 0).all() == (how == "zero")


def test_lineage_is_united_and_trained_images_stay_trained(toy, here):
    ancestors = {"1" * 32: "train", "2" * 32: "val"}
    today = toy.splits.copy()
    used = today.loc[today["split"] == "val", "image_id"].iloc[0]
    lineage = united_lineage({**ancestors, used: "train"}, today)
    assert ancestors.items() <= lineage.items()
    assert lineage[used] == "train"
    trained = set(today.loc[today["split"] == "train", "image_id"])
    assert all(lineage[image_id] == "train" for image_id in trained)
    assert set(today["image_id"]) <= set(lineage)


def test_a_throwaway_and_its_descendants_say_so(toy, here):
    parent = run(toy, changed(toy.params, epochs=1, throwaway=True), name="parent")
    child = run(toy, changed(toy.params, epochs=1, base_model=str(parent)), name="child")
    assert read_header(parent).throwaway
    assert read_header(child).throwaway


@pytest.mark.parametrize(
    "knobs",
    [
        {"optimizer": "sgd", "head": "zero", "clip": 0.0},
        {"ema": 0.9, "balance": "subclass"},
        {"freeze": 1, "body_lr": 0.1},
        {"channels_last": False, "label_smoothing": 0.0},
    ],
)
def test_every_knob_runs_and_a_resumed_run_ends_with_the_same_bytes(toy, here, knobs, monkeypatch):
    params = changed(toy.params, epochs=3, train={**knobs, "patience": 0})
    whole = run(toy, params, name="whole")

    class KilledError(Exception):
        pass

    real, calls = training.fit, []

    def killed_after_two(engine, data, runs, listeners=(), **rest):
        def listen(row):
            calls.append(row)
            if len(calls) == 2:
                raise KilledError

        return real(engine, data, runs, [*listeners, listen], **rest)

    monkeypatch.setattr(training, "fit", killed_after_two)
    with pytest.raises(KilledError):
        run(toy, params, name="resumed")
    monkeypatch.setattr(training, "fit", real)
    assert run(toy, params, name="resumed").read_bytes() == whole.read_bytes()
    assert Path("reports/resumed/history.csv").read_bytes() == Path("reports/whole/history.csv").read_bytes()


def test_frozen_epochs_move_the_head_alone(toy, here):
    out = run(toy, changed(toy.params, epochs=1, train={"freeze": 1}))
    _, before = checkpoint.load(toy.base())
    _, after = checkpoint.load(out)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_training_stops_when_val_no_longer_gets_better(toy, here):
    out = run(toy, changed(toy.params, epochs=30, lr=1e-9, train={"patience": 2, "warmup": 0.0}))
    rows = Path("reports/candidate/history.csv").read_text().splitlines()
    assert len(rows) - 1 < 30
    assert read_header(out).metrics["best_epoch"] == len(rows) - 1 - 2


def test_without_val_the_last_weights_are_kept(toy, here):
    splits = toy.splits[toy.splits["split"] != "val"]
    out = run(toy, splits=splits)
    assert read_header(out).metrics["best_epoch"] == 2


def test_a_loss_that_is_no_number_stops_the_run_and_names_images(toy, here):
    params = changed(toy.params, lr=1e30, train={"clip": 0.0, "warmup": 0.0, "optimizer": "sgd"})
    with pytest.raises(DivergedError, match="not a finite number") as caught:
        run(toy, params)
    named = [word for word in str(caught.value).split() if len(word) == 32]
    assert 0 < len(named) <= params.batch_size
    assert set(named) <= set(toy.splits["image_id"])
    assert not Path("models").exists()


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"base_model": "models/nobody.safetensors"}, CheckpointError, "does not exist"),
        ({"arch": "resnet18"}, AncestorError, "has arch shufflenet_v2_x0_5, but params.yaml asks for resnet18"),
        ({"image_size": 64}, AncestorError, "has image_size 16, but params.yaml asks for 64"),
    ],
)
def test_a_base_model_that_does_not_fit_is_refused(toy, here, change, error, told):
    with pytest.raises(error, match=told):
        run(toy, changed(toy.params, **change))
    assert not Path("models").exists()


def test_one_class_is_refused(toy, here):
    with pytest.raises(NothingToTrainError, match="two classes"):
        run(toy, splits=toy.splits[toy.splits["label"] == "sky"])


def test_backbones_follow_the_seed_and_take_local_weights(toy, here):
    one, two = Path("one.safetensors"), Path("two.safetensors")
    make_backbone(toy.params, one)
    make_backbone(toy.params, two)
    assert one.read_bytes() == two.read_bytes() == toy.base().read_bytes()
    _, state = checkpoint.load(one)
    torch.save({"state_dict": {f"module.{name}": tensor + 1 for name, tensor in state.items()}}, "local.pth")
    for weights, shift in (("local.pth", 1), ("one.safetensors", 0)):
        knobs = toy.params.backbone.model_copy(update={"weights": weights})
        make_backbone(toy.params.model_copy(update={"backbone": knobs}), two)
        assert torch.equal(checkpoint.load(two)[1]["conv1.0.weight"], state["conv1.0.weight"] + shift)


def test_a_file_that_would_run_code_is_refused(toy, here):
    torch.save({"model": print}, "evil.pth")
    knobs = toy.params.backbone.model_copy(update={"weights": "evil.pth"})
    with pytest.raises(CheckpointError, match="safe loader"):
        make_backbone(toy.params.model_copy(update={"backbone": knobs}), Path("out.safetensors"))


SCRIPT = """
import sys; from pathlib import Path; import pandas as pd, torch
torch.set_num_threads(1)
from curation.model.pixels import Pixels
from curation.model.training import train
from curation.params.loading import load
train(pd.read_parquet("splits.parquet"), Pixels(Path("pixels")), load(), Path("out.safetensors"), Path("report"))
"""


@pytest.fixture
def folder(toy, here):
    import json

    shutil.copytree(toy.root / "pixels", "pixels")
    toy.splits.to_parquet("splits.parquet")
    Path("params.yaml").write_text(json.dumps(changed(toy.params, epochs=6, train={"patience": 0}).model_dump()))
    Path("run.py").write_text(SCRIPT)
    return here


def launch(*command, **options):
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HOME": "."}
    return subprocess.Popen([sys.executable, *command], env=environment, stderr=subprocess.PIPE, text=True, **options)


def finish(*command):
    process = launch(*command)
    told = process.communicate(timeout=300)[1]
    assert process.returncode == 0, told


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


def test_ctrl_c_leaves_no_process_and_no_file(folder):
    process = launch("run.py", start_new_session=True)
    next(line for line in process.stderr if line.startswith("epoch 1/6"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode != 0
    assert not list(Path().rglob("*.partial"))
    assert subprocess.run(["pgrep", "-g", str(process.pid)], check=False).returncode == 1


def test_two_processes_train_the_same_model(folder):
    finish("run.py")
    alone = read_header(Path("out.safetensors"))
    flags = ["--standalone", "--local-addr", "127.0.0.1", "--nproc-per-node", "2"]
    finish("-m", "torch.distributed.run", *flags, "run.py")
    together = read_header(Path("out.safetensors"))
    assert together.lineage == alone.lineage
    assert together.metrics["train_loss"] == pytest.approx(alone.metrics["train_loss"], rel=0.5)
