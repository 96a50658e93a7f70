"""Device placement of training and scoring on fake CUDA tensors: catches on a CPU what a GPU would refuse.

Fakes carry shape, dtype, strides and device, no data. An operation on tensors of two devices raises, and so does
anything that must wait for the device (`.item()`, `.tolist()`, `bool()`). Not covered are backward (autograd has no
thread for an absent card, so gradients are put in by hand), kernels, timing, and fused SGD, which has no fake kernel.
"""

import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode

from curation.model import scorer as scoring
from curation.model.backbone import IMAGENET_MEAN, IMAGENET_STD, Spec, _fit_stem, _make
from curation.model.classifier_head import find_head
from curation.model.device import Device
from curation.model.header import Header
from curation.model.normalise import to_float
from curation.model.training import augment
from curation.model.training.epoch import Engine
from curation.model.training.examples import Examples
from curation.model.training.loader import Batch, Loader
from curation.model.training.optim import Average
from curation.model.training.run_state import RunState, average_of
from curation.params.loading import parse

CUDA = torch.device("cuda:0")
ALL = {"flip": 0.5, "rotate": 10.0, "zoom_in": 0.2, "zoom_out": 0.1, "jitter": 0.2, "mixup": 0.4, "erase": 0.3}


class Copies(TorchDispatchMode):
    """Copies between devices: (from, to, non_blocking)."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._to_copy.default and args[0].device.type != out.device.type:
            self.seen.append((args[0].device.type, out.device.type, bool((kwargs or {}).get("non_blocking"))))
        if func is torch.ops.aten.copy_.default and args[0].device.type != args[1].device.type:
            self.seen.append((args[1].device.type, args[0].device.type, bool(len(args) > 2 and args[2])))
        return out


def replace_weights(self, fn, recurse=True):  # Module.to swaps tensors in place, which fakes refuse
    for layer in self.modules():
        for name, weight in list(layer._parameters.items()):
            if weight is not None:
                layer._parameters[name] = torch.nn.Parameter(fn(weight.detach()), weight.requires_grad)
        for name, buffer in list(layer._buffers.items()):
            if buffer is not None:
                layer._buffers[name] = fn(buffer)
    return self


@pytest.fixture
def fake(monkeypatch):
    draw, fakes = augment.draw, SimpleNamespace(weights=[])

    def real_draw(*given):
        with unset_fake_temporarily():
            return draw(*given)

    def begin(loader, examples, part, number):  # pinned memory and threads write to real memory, which fakes lack
        images = torch.zeros(len(part), loader._pixels.size, loader._pixels.size, 3, dtype=torch.uint8)
        return Batch(part, images, torch.from_numpy(examples.labels[part]), len(part), 0, number), []

    def backward(loss, *_a, **_k):
        assert loss.device == CUDA
        assert loss.ndim == 0
        for weight in fakes.weights:
            weight.grad = torch.empty_like(weight) if weight.requires_grad else None

    for name in ("Stream", "Event", "stream", "current_stream", "device"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: MagicMock())
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda *_: None)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor, *_: tensor)
    monkeypatch.setattr(Loader, "_begin", begin)
    monkeypatch.setattr(torch.Tensor, "backward", backward)
    monkeypatch.setattr(torch.nn.Module, "_apply", replace_weights)
    monkeypatch.setattr(augment, "draw", real_draw)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    for module in list(sys.modules.values()):  # autocast and GradScaler switch themselves off without a card
        if getattr(module, "__name__", "").startswith("torch") and "amp_definitely_not_available" in vars(module):
            monkeypatch.setattr(module, "amp_definitely_not_available", lambda: False)
    with FakeTensorMode(allow_non_fake_inputs=True):
        yield fakes


def make(fakes, arch="resnet18", size=32, count=8, precision="bf16", **train):
    params = parse(
        {
            "arch": arch,
            "image_size": size,
            "batch_size": max(count, 1),
            "epochs": 2,
            "train": {"precision": precision, **train},
        }
    )
    labels = np.arange(count) % 3
    examples = Examples(tuple(f"{k:032x}" for k in range(count)), np.arange(count), labels, labels, labels == 1)
    model = _fit_stem(_make(Spec(arch, size), 3), "standard")
    engine = Engine(
        model, find_head(model, 3), Header(arch, (), size, IMAGENET_MEAN, IMAGENET_STD), params, Device(CUDA, precision)
    )
    fakes.weights = [weight for group in engine.optimizer.param_groups for weight in group["params"]]
    assert all(tensor.device == CUDA for tensor in model.state_dict().values())
    assert {id(w) for w in fakes.weights} == {id(w) for w in model.parameters()}
    pixels = SimpleNamespace(size=size)
    return engine, examples, pixels


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp32"])
@pytest.mark.parametrize("config", [{}, ALL, {**dict.fromkeys(ALL, 0.0), "mixup": 0.4}, dict.fromkeys(ALL, 0.0)])
def test_step_stays_on_the_device(fake, frozen, precision, config):
    engine, examples, pixels = make(fake, precision=precision, augment=config)
    engine._set_mode(frozen=frozen)
    average = Average(engine.model, 0.99)
    with Loader(pixels, engine.device, 1) as batches:
        for batch in batches.batches(examples, [np.arange(4), np.arange(4, 8)]):
            assert batch.images.device == batch.labels.device == CUDA
            with Copies() as copies:
                loss, right = engine._step(batch, examples, np.arange(4), 0)
                average.update(engine.model)
            assert loss.device == right.device == CUDA
            blocking = [one for one in copies.seen if not one[2]]
            assert not blocking, f"the step waits for the device: {blocking}"
    for slots in engine.optimizer.state.values():
        assert all(value.device == CUDA for value in slots.values() if isinstance(value, torch.Tensor))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_part_of_any_size(fake, count):
    engine, examples, _ = make(fake, size=64, augment=ALL)
    engine._set_mode(frozen=False)
    images = torch.empty(count, 64, 64, 3, dtype=torch.uint8, device=CUDA)
    batch = Batch(np.arange(count), images, torch.zeros(count, dtype=torch.int64, device=CUDA), 8, 2, 0)
    engine._step(batch, examples, np.arange(8), 0)


def test_an_epoch_waits_only_at_its_end(fake, monkeypatch):
    """train() and measure() without their two looks must not need a single value from the device."""
    engine, examples, pixels = make(fake, count=16)
    meter = SimpleNamespace(add=lambda _: None)
    monkeypatch.setattr(Engine, "_check_losses", lambda *_: None)
    monkeypatch.setattr(Engine, "_mean", lambda *_: (0.0, 0.0))
    average = Average(engine.model, 0.9)
    with Loader(pixels, engine.device, 2) as batches:
        engine.train(0, batches, examples, average, meter)
        with torch.no_grad():  # not inference mode, in which fakes miss copies of plain tensors
            Engine.measure.__wrapped__(engine, batches, examples, average.state)
            Engine.measure.__wrapped__(engine, batches, examples)


def test_restore_puts_everything_on_the_device(fake, tmp_path, monkeypatch):
    engine, examples, pixels = make(fake, precision="fp16", ema=0.9)
    engine._set_mode(frozen=False)
    with Loader(pixels, engine.device, 1) as batches:
        for batch in batches.batches(examples, [np.arange(8)]):
            engine._step(batch, examples, np.arange(8), 0)
    saved = {
        k: {n: torch.zeros(v.shape, dtype=v.dtype, device="cpu") for n, v in s.items()}
        for k, s in engine.optimizer.state_dict()["state"].items()
    }
    facts = {"progress": {"epoch": 1, "best_epoch": 0, "history": [], "scaler": {}}, "plain": {}}
    tensors = {
        f"model/{n}": torch.zeros(t.shape, dtype=t.dtype, device="cpu") for n, t in engine.model.state_dict().items()
    }
    tensors |= {
        f"average/{n}": torch.zeros(t.shape, dtype=t.dtype, device="cpu") for n, t in engine.model.state_dict().items()
    }
    tensors |= {f"optimizer/{k}/{n}": v for k, s in saved.items() for n, v in s.items()}
    fresh, _, _ = make(fake, precision="fp16", ema=0.9)
    state = RunState(tmp_path / "run")
    monkeypatch.setattr(state, "_read", lambda: (facts, tensors))
    _, more = state.restore(fresh.model, fresh.optimizer)
    average = average_of(more, fresh.model, 0.9, 1)
    assert all(tensor.device == CUDA for tensor in average.state.values())
    for slots in fresh.optimizer.state.values():
        assert all(value.device == CUDA for value in slots.values()), {n: v.device for n, v in slots.items()}
    for weight, slots in fresh.optimizer.state.items():
        assert slots["exp_avg"].stride() == weight.stride()
    with Loader(pixels, fresh.device, 1) as batches:
        fresh._set_mode(frozen=False)
        for batch in batches.batches(examples, [np.arange(8)]):
            fresh._step(batch, examples, np.arange(8), 0)


def test_augmented_images_keep_channels_last(fake):
    engine, _, _ = make(fake)
    draws = augment.draw(engine.params.train.augment, torch.zeros(8, dtype=torch.bool), (0, 0, 0))
    images = to_float(torch.empty(8, 32, 32, 3, dtype=torch.uint8, device=CUDA))
    assert images.is_contiguous(memory_format=torch.channels_last)
    out = augment.apply(images, draws, engine.params.train.augment)
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_look_keeps_no_images(fake, monkeypatch):
    """What waits for the next look at the losses must not hold the images of 20 batches on the card."""
    engine, examples, pixels = make(fake, count=16)
    held = []
    monkeypatch.setattr(Engine, "_check_losses", lambda *given: held.append(given[1]))
    monkeypatch.setattr(Engine, "_mean", lambda *_: (0.0, 0.0))
    engine.params = engine.params.model_copy(update={"batch_size": 4})
    with Loader(pixels, engine.device, 1) as batches:
        engine.train(0, batches, examples, None, SimpleNamespace(add=lambda _: None))
    assert not [1 for losses in held for _, kept in losses if not isinstance(kept, np.ndarray)]


def test_scorer_launch(fake, tmp_path, monkeypatch):
    header = Header("resnet18", ("a", "b", "c"), 32, IMAGENET_MEAN, IMAGENET_STD)
    model = _fit_stem(_make(Spec("resnet18", 32), 3), "standard").eval()
    monkeypatch.setattr(scoring, "restore", lambda _: (header, model, "fc"))
    monkeypatch.setattr(scoring.devices, "choose", lambda *_: Device(CUDA, "bf16"))
    scorer = scoring.Scorer(tmp_path)
    with Copies() as copies, torch.no_grad():
        launched = scoring.Scorer._launch.__wrapped__(scorer, np.zeros((5, 32, 32, 3), np.uint8))
    assert launched.logits.shape == (5, 3)
    assert launched.embeddings.shape == (5, 512)
    assert ("cpu", "cuda", True) in copies.seen
    assert ("cuda", "cpu", True) in copies.seen, "results are not on their way back before the next batch is queued"
