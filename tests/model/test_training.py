import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from curation.errors import CurationError
from curation.model import checkpoint
from curation.model.base_model import BaseModelError, make_backbone, start_from
from curation.model.compiled import CompileError
from curation.model.header import CheckpointError, read_header
from curation.model.training import train_candidate
from curation.model.training.candidate_header import united_lineage
from curation.model.training.epoch import DivergedError
from curation.model.training.examples import NothingToTrainError
from curation.model.training.train_candidate import train
from curation.params import Params


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
    report, caches = Path(f"reports/{name}"), Path(".cache/curation")
    train(toy.splits if splits is None else splits, toy.pixels, params or toy.params, out, report, caches)
    return out


class StopError(Exception):
    """Ends a run as a kill would, in the process of the test."""


def stop_after(epochs: int, toy, params: Params) -> None:
    real, calls = train_candidate.fit, []

    def listen(row):
        calls.append(row)
        if len(calls) == epochs:
            raise StopError

    def stopping(engine, data, runs, listeners=(), **rest):
        return real(engine, data, runs, [*listeners, listen], **rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_candidate, "fit", stopping)
        with pytest.raises(StopError):
            run(toy, params, name="stopped")


def test_training_learns_and_says_so(toy, here, caplog):
    caplog.set_level("INFO")
    out = run(toy, changed(toy.params, epochs=10, train={"patience": 0}))
    header = read_header(out)
    assert header.classes == ("cherry", "leaf", "sky")
    assert header.parent == checkpoint.md5(toy.base())
    assert header.params["epochs"] == 10
    assert "inherited from" in caplog.text
    assert "device: CPU" in caplog.text
    lines = Path("reports/candidate/history.csv").read_text().splitlines()
    assert lines[0] == "epoch,lr,train_loss,train_accuracy,val_loss,val_accuracy"
    assert len(lines) == 11
    assert max(float(line.split(",")[3]) for line in lines[1:]) > 0.8
    assert not list(Path(".cache/curation/train").iterdir())


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_candidate_scores_as_training_measured_it(toy, here, answer_of, ema):
    out = run(toy, changed(toy.params, epochs=2, train={"ema": ema}))
    metrics = read_header(out).metrics
    loss, accuracy = answer_of(out)
    assert loss == pytest.approx(metrics["val_loss"], abs=1e-4)
    assert accuracy == pytest.approx(metrics["val_accuracy"], abs=1e-5)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_resumes_and_agrees_with_single(toy, here, precision):
    changes = {"clip": 1.0, "patience": 0}
    run(toy, changed(toy.params, epochs=2, lr=1e-4, train=changes), name="single")
    params = changed(toy.params, epochs=2, lr=1e-4, train={**changes, "precision": precision})
    stop_after(1, toy, params)
    run(toy, params, name="half")
    single, half = (np.loadtxt(f"reports/{name}/history.csv", delimiter=",", skiprows=1) for name in ("single", "half"))
    assert np.allclose(half[:, 2], single[:, 2], rtol=0.05)


@pytest.fixture
def plain_net(toy, here):
    """Parameters of one epoch of a network of few operations, which takes seconds to compile."""
    path = here / "plain-net.safetensors"
    params = changed(toy.params, arch="resnet18", epochs=1, lr=1e-4, base_model=str(path))
    make_backbone(params, path)
    return params


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside of torch's compiler
@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler: apt-get install g++")
def test_a_compiled_model_learns_what_the_plain_one_does(toy, plain_net):
    for name, compiled in (("plain", False), ("compiled", True)):
        run(toy, changed(plain_net, train={"compile": compiled}), name=name)
    plain, compiled = (
        np.loadtxt(f"reports/{name}/history.csv", delimiter=",", skiprows=1) for name in ("plain", "compiled")
    )
    assert np.allclose(compiled, plain, rtol=1e-2)
    assert read_header(Path("models/compiled.safetensors")).classes == ("cherry", "leaf", "sky")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_where_nothing_can_be_compiled_the_error_says_what_to_do(toy, here, plain_net, monkeypatch):
    import torch._inductor.config

    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", ("/nowhere/g++",))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(here / "inductor"))
    torch._dynamo.reset()
    with pytest.raises(CompileError, match=r"Set `train.compile: false`"):
        run(toy, changed(plain_net, train={"compile": True}))


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
    assert "new: zebra" in " ".join(start.inherited)


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
    "changes",
    [
        {"optimizer": "sgd", "head": "zero", "clip": 0.0},
        {"ema": 0.9, "balance": "subclass"},
        {"freeze": 1, "body_lr": 0.1},
        {"channels_last": False, "label_smoothing": 0.0},
    ],
)
def test_every_setting_runs_and_a_resumed_run_ends_with_the_same_bytes(toy, here, changes):
    params = changed(toy.params, epochs=3, train={**changes, "patience": 0})
    whole = run(toy, params, name="whole")
    stop_after(2, toy, params)
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
        ({"arch": "resnet18"}, BaseModelError, "has arch shufflenet_v2_x0_5, but params.yaml asks for resnet18"),
        ({"image_size": 64}, BaseModelError, "has image_size 16, but params.yaml asks for 64"),
    ],
)
def test_a_base_model_that_does_not_fit_is_refused(toy, here, change, error, told):
    with pytest.raises(error, match=told):
        run(toy, changed(toy.params, **change))
    assert not Path("models").exists()


def test_one_class_is_refused(toy, here):
    with pytest.raises(NothingToTrainError, match="two classes"):
        run(toy, splits=toy.splits[toy.splits["label"] == "sky"])


WEIGHTS = Path("models/weights")


def backbone_from(toy, weights):
    """Make a backbone from what `backbone.weights` says, at out.safetensors."""
    settings = toy.params.backbone.model_copy(update={"weights": weights})
    make_backbone(toy.params.model_copy(update={"backbone": settings}), Path("out.safetensors"))
    return checkpoint.load(Path("out.safetensors"))[1]


def test_backbones_follow_the_seed_and_take_local_weights(toy, here):
    WEIGHTS.mkdir(parents=True)
    one, two = WEIGHTS / "one.safetensors", Path("two.safetensors")
    make_backbone(toy.params, one)
    make_backbone(toy.params, two)
    assert one.read_bytes() == two.read_bytes() == toy.base().read_bytes()
    _, state = checkpoint.load(one)
    shifted = {f"module.{name}": tensor + 1 for name, tensor in state.items()}
    torch.save({"state_dict": shifted}, WEIGHTS / "local.pth")
    for name, shift in (("local.pth", 1), ("one.safetensors", 0)):
        found = backbone_from(toy, f"models/weights/{name}")
        assert torch.equal(found["conv1.0.weight"], state["conv1.0.weight"] + shift)


@pytest.mark.parametrize("weights", ["w.pth", "models/w.pth", "models/weights/../w.pth", "models/weights2/w.pth"])
def test_weights_that_the_pipeline_would_not_see_change_are_refused(toy, here, weights):
    for folder in ("models/weights", "models/weights2"):
        Path(folder).mkdir(parents=True)
    torch.save({"a": torch.ones(1)}, weights)
    with pytest.raises(CurationError, match=r"dvc add models/weights/w\.pth"):
        backbone_from(toy, weights)


def test_weights_of_another_architecture_are_refused_with_names_of_both(toy, here):
    WEIGHTS.mkdir(parents=True)
    torch.save({"stem.weight": torch.ones(2, 3)}, WEIGHTS / "other.pth")
    with pytest.raises(CurationError, match=r"only 0 of .*other\.pth has stem\.weight 2x3; `arch` wants conv1\."):
        backbone_from(toy, "models/weights/other.pth")


def test_a_file_that_would_run_code_is_refused(toy, here):
    WEIGHTS.mkdir(parents=True)
    torch.save({"model": print}, WEIGHTS / "evil.pth")
    with pytest.raises(CheckpointError, match="safe loader"):
        backbone_from(toy, "models/weights/evil.pth")
