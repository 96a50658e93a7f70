"""What saves memory changes nothing else: gradient checkpointing gives the same bytes, accumulation the same step."""

import copy

import numpy as np
import pytest
import torch
from factories.models import settings
from pydantic import ValidationError
from torch import nn

from curation.errors import CurationError
from curation.model import device as devices
from curation.model.backbone import IMAGENET_MEAN, IMAGENET_STD, Spec, build
from curation.model.classifier_head import find_head
from curation.model.header import Header
from curation.model.recompute import NoBlocksError, blocks_of, recompute
from curation.model.training.epoch import Engine
from curation.model.training.examples import batches_of, epoch_order
from curation.model.training.loader import Loader
from curation.model.training.optim import Average
from curation.model.training.throughput import Meter, Plan
from curation.model.training.train_candidate import data_of
from curation.params.blocks import Train

CLASSES = ("cherry", "leaf", "sky")
STILL = {"flip": 0.0, "rotate": 0.0, "zoom_in": 0.0, "zoom_out": 0.0}


def engine_of(toy, arch, size=16, *, norm=True, **train) -> Engine:
    params = settings(toy.root, arch=arch, image_size=size, lr=0.001, epochs=3, train=train)
    torch.manual_seed(0)
    model = build(Spec(arch, size), len(CLASSES))
    if not norm:
        for parent in list(model.modules()):
            for name, layer in parent.named_children():
                if isinstance(layer, nn.BatchNorm2d):
                    setattr(parent, name, nn.GroupNorm(1, layer.num_features))
    facts = Header(arch, (), size, IMAGENET_MEAN, IMAGENET_STD)
    device = devices.choose("cpu", params.train.precision)
    return Engine(model, find_head(model, len(CLASSES)), facts, params, device)


def trained(toy, engine, epochs=2) -> dict[str, torch.Tensor]:
    """The state after some epochs, that of the averaged weights included."""
    data = data_of(toy.splits, CLASSES, toy.pixels)
    average = Average(engine.model, 0.5)
    plan = Plan(len(data.train), len(data.val), epochs, 0)
    with Loader(toy.pixels, engine.device) as loader, Meter(plan, engine.device, quiet=True) as meter:
        for epoch in range(epochs):
            meter.start(epoch)
            engine.train(epoch, loader, data.train, average, meter)
    return {**engine.model.state_dict(), **{f"average {name}": one for name, one in average.state.items()}}


@pytest.mark.parametrize(
    ("arch", "train"),
    [
        ("shufflenet_v2_x0_5", {"augment": {"mixup": 0.4}, "accumulate": 2}),
        ("mobilenet_v3_small", {"freeze": 1}),  # dropout; its body is frozen at first
    ],
)
def test_recomputed_activations_give_the_same_bytes(toy, arch, train):
    plain, saving = (trained(toy, engine_of(toy, arch, recompute=on, **train)) for on in (False, True))
    assert plain.keys() == saving.keys()
    assert all(torch.equal(plain[name], saving[name]) for name in plain)


def test_recomputed_activations_are_not_kept(toy):
    def kept(*, on: bool) -> int:
        engine, seen = engine_of(toy, "resnet18", recompute=on), []
        engine._set_mode(frozen=False)
        with torch.autograd.graph.saved_tensors_hooks(lambda one: seen.append(one.nbytes) or one, lambda one: one):
            engine.model(torch.rand(16, 3, 64, 64))
        return sum(seen)

    assert kept(on=True) < kept(on=False) / 2


def test_a_copy_of_a_model_that_recomputes_learns_alone(toy):
    engine = engine_of(toy, "resnet18", recompute=True)
    before = copy.deepcopy(engine.model.state_dict())
    other = copy.deepcopy(engine.model)
    loss = other(torch.rand(8, 3, 32, 32)).sum()
    loss.backward()
    torch.optim.SGD(other.parameters(), lr=0.1).step()
    assert all(torch.equal(one, before[name]) for name, one in engine.model.state_dict().items())
    assert all(weight.grad is None for weight in engine.model.parameters())
    assert any(not torch.equal(one, before[name]) for name, one in other.state_dict().items())


@pytest.mark.parametrize(
    ("arch", "count"),
    [("resnet18", 8), ("convnext_tiny", 18), ("vit_b_32", 12), ("densenet121", 4), ("efficientnet_b0", 16)],
)
def test_blocks_are_those_of_the_stages(arch, count):
    with torch.device("meta"):
        model = build(Spec(arch, 64), 3)
    assert len(list(blocks_of(model))) == count


def test_a_model_without_blocks_is_refused():
    with torch.device("meta"):
        model = build(Spec("vgg11", 64), 3)
    with pytest.raises(NoBlocksError, match=r"Set `train.recompute: false`"):
        recompute(model)


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_a_batch_in_parts_is_the_same_step(toy, parts):
    """Without norm over the batch and without chance, the sum of the gradients is that of the whole."""
    whole, cut = (
        engine_of(toy, "resnet18", norm=False, accumulate=number, augment=STILL, clip=0.0) for number in (1, parts)
    )
    data = data_of(toy.splits, CLASSES, toy.pixels)
    gradients = []
    for engine in (whole, cut):
        engine._set_mode(frozen=False)
        part = batches_of(epoch_order(data.train, "none", 0, 0), 16)[0]
        with Loader(toy.pixels, engine.device) as loader:
            for batch in loader.batches(data.train, [part]):
                loss, right = engine._step(batch, data.train, part, 0)
        gradients.append([loss, right, *(weight.grad for weight in engine.model.parameters())])
    for one, two in zip(*gradients, strict=True):
        assert torch.allclose(one, two, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("batch_size", "parts", "fits"), [(16, 6, True), (16, 9, False)])
def test_parts_too_small_for_norm_layers_are_refused(toy, tmp_path, monkeypatch, batch_size, parts, fits):
    from curation.model.training.train_candidate import train

    monkeypatch.chdir(tmp_path)
    params = settings(toy.root, epochs=1, batch_size=batch_size, train={"accumulate": parts})
    places = tmp_path / "m.safetensors", tmp_path / "report", tmp_path / "cache"
    if fits:
        assert np.isfinite(train(toy.splits, toy.pixels, params, *places).metrics["train_loss"])
        return
    with pytest.raises(CurationError, match=r"in 9 part\(s\) each: every part needs two images or more"):
        train(toy.splits, toy.pixels, params, *places)


def test_compiled_code_is_not_recomputed():
    with pytest.raises(ValidationError, match="compile and recompute can't be used together"):
        Train(compile=True, recompute=True)
