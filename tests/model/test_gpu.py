"""What only a GPU can show: the right numbers, no waiting, the same bytes again. Skipped where there is no CUDA."""

import numpy as np
import pytest
import torch

from curation.model import checkpoint
from curation.model import device as devices
from curation.model.backbone import IMAGENET_MEAN, IMAGENET_STD, Spec, build
from curation.model.classifier_head import find_head
from curation.model.header import Header
from curation.model.normalise import to_float
from curation.model.scorer import Scorer
from curation.model.training import augment, sanity_checks
from curation.model.training.epoch import Engine
from curation.model.training.examples import batches_of, epoch_order
from curation.model.training.loader import Loader
from curation.model.training.optim import Average
from curation.model.training.train_candidate import data_of
from curation.params.loading import parse

pytestmark = pytest.mark.gpu
ALL = {"flip": 0.5, "rotate": 10.0, "zoom_in": 0.2, "zoom_out": 0.1, "jitter": 0.2, "mixup": 0.4, "erase": 0.3}
CLASSES = ("cherry", "leaf", "sky")


def engine_of(size=16, arch="resnet18", **train) -> Engine:
    params = parse({"arch": arch, "image_size": size, "batch_size": 16, "epochs": 12, "lr": 0.003, "train": train})
    torch.manual_seed(0)
    model = build(Spec(arch, size), 3)
    device = devices.choose("cuda", params.train.precision)
    return Engine(model, find_head(model, 3), Header(arch, (), size, IMAGENET_MEAN, IMAGENET_STD), params, device)


@pytest.fixture
def data(toy):
    return data_of(toy.splits, CLASSES, toy.pixels)


def test_every_image_arrives_with_its_own_pixels_and_label(toy, data):
    device = devices.choose("cuda")
    order = np.tile(epoch_order(data.train, "none", 0, 0), 40)
    kept = []
    with Loader(toy.pixels, device) as loader:
        for batch in loader.batches(data.train, batches_of(order, 48)):
            kept.append((batch, batch.images.clone(), batch.labels.clone()))
            torch.randn(400, 400, device="cuda") @ torch.randn(400, 400, device="cuda")
    for batch, images, labels in kept:
        assert np.array_equal(images.cpu().numpy(), toy.pixels.batch(data.train.rows[batch.indices]))
        assert np.array_equal(labels.cpu().numpy(), data.train.labels[batch.indices])


@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"precision": "fp32"},
        {"precision": "fp16"},
        {"precision": "fp16", "clip": 0.0},
        {"augment": ALL},
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "precision": "fp16"},
        {"ema": 0.9, "balance": "class"},
        {"channels_last": False},
        {"freeze": 1},
    ],
    ids=str,
)
def test_a_step_never_waits_for_the_gpu_and_learns(toy, data, settings):
    engine = engine_of(**settings)
    average = Average(engine.model, 0.9)
    losses = []
    with Loader(toy.pixels, engine.device) as loader:
        engine._set_mode(frozen=bool(settings.get("freeze")))
        for epoch in range(12):
            parts = batches_of(epoch_order(data.train, "none", 0, epoch), 16)
            for batch in loader.batches(data.train, parts):
                if epoch == 1:  # fp16 asks once in a step whether a gradient overflowed: that is its way
                    torch.cuda.set_sync_debug_mode("default" if engine.device.precision == "fp16" else "error")
                try:
                    loss, _ = engine._step(batch, data.train, parts[batch.number], epoch)
                    average.update(engine.model)
                finally:
                    torch.cuda.set_sync_debug_mode("default")
                losses.append(loss / len(batch.indices))
    first, last = float(torch.stack(losses[:3]).mean()), float(torch.stack(losses[-3:]).mean())
    assert last < first


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_the_checks_pass(toy, data, precision):
    engine = engine_of(precision=precision)
    sanity_checks.check_all(engine, data)


def test_augmented_images_are_those_of_the_cpu_in_channels_last(toy, data):
    config = engine_of(augment=ALL).params.train.augment
    images = to_float(torch.from_numpy(toy.pixels.batch(np.arange(16))))
    draws = augment.draw(config, torch.zeros(16, dtype=torch.bool), (0, 0, 0))
    there = augment.apply(images.cuda(), draws, config)
    assert there.is_contiguous(memory_format=torch.channels_last)
    here = augment.apply(images.clone(), draws, config)
    apart = (there.cpu() - here).abs()
    assert float((apart > 0.02).float().mean()) < 0.002
    assert float(apart.mean()) < 1e-3


@pytest.mark.parametrize(
    ("arch", "precision", "close"),
    [
        ("resnet18", "fp32", 1e-2),
        ("resnet18", "bf16", 3e-2),
        ("resnet18", "fp16", 1e-2),
        ("mobilenet_v3_small", "fp32", 1e-2),
        ("mobilenet_v3_small", "bf16", 3e-2),
    ],
)
def test_scores_are_near_those_of_a_cpu(tmp_path, arch, precision, close):
    torch.manual_seed(0)
    model = build(Spec(arch, 32), 3)
    checkpoint.save(tmp_path / "m", model.state_dict(), Header(arch, CLASSES, 32, IMAGENET_MEAN, IMAGENET_STD))
    batches = list(np.random.default_rng(0).integers(0, 256, (6, 50, 32, 32, 3), dtype=np.uint8))
    there, here = (list(Scorer(tmp_path / "m", *how).stream(batches)) for how in (("cuda", precision), ("cpu", "fp32")))
    for kind in ("logits", "embeddings"):
        one, two = (np.concatenate([getattr(scores, kind) for scores in found]) for found in (there, here))
        assert np.linalg.norm(one - two) / np.linalg.norm(two) < close


def test_a_stream_gives_each_batch_its_own_scores(tmp_path):
    model = build(Spec("resnet18", 64), 3)
    checkpoint.save(tmp_path / "m", model.state_dict(), Header("resnet18", CLASSES, 64, IMAGENET_MEAN, IMAGENET_STD))
    scorer = Scorer(tmp_path / "m", "cuda")
    batches = list(np.random.default_rng(0).integers(0, 256, (20, 64, 64, 64, 3), dtype=np.uint8))
    streamed = list(scorer.stream(iter(batches)))
    for batch, scores in zip(batches, streamed, strict=True):
        assert np.array_equal(scorer.score(batch).logits, scores.logits)


def test_a_gpu_that_is_not_there_is_named():
    with pytest.raises(devices.DeviceError, match="there is no cuda:99"):
        devices.choose("cuda:99")
