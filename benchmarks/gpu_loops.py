"""The loops that benchmarks/gpu.py times, in training and scoring: ours, the bare network, a plain torchvision loop."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn import functional
from torchvision import datasets, io, transforms
from torchvision.transforms import v2

sys.path.insert(0, str(Path(__file__).parent))
from photographs import write_photographs

from curation.images.store.pixel_store import write_store
from curation.images.store.pixels import Pixels
from curation.model import checkpoint
from curation.model.backbone import IMAGENET_MEAN, IMAGENET_STD, Spec, build
from curation.model.classifier_head import find_head
from curation.model.device import Device
from curation.model.header import Header
from curation.model.scorer import Scorer
from curation.model.training.epoch import Engine
from curation.model.training.examples import Examples
from curation.model.training.loader import Loader
from curation.params.blocks import Resize
from curation.params.loading import parse
from curation.predict.score_store import score

Batches = Callable[..., Iterator[tuple[torch.Tensor, ...]]]

CLASSES = tuple("abcd")
METER: Any = SimpleNamespace(add=lambda _images: None)
WORKERS = os.cpu_count() or 1  # of the plain loops
TURNS, ZOOM = 10, (1 / 1.1, 1.2)


@dataclass(frozen=True)
class Setting:
    """What is timed: the images, their size, and how many make a batch and an epoch."""

    folder: Path
    device: Device
    size: int
    batch: int
    batches: int  # of a timed epoch

    @property
    def pixels(self) -> Pixels:
        """The pixel store of the photographs."""
        return Pixels(self.folder / "pixels")

    def examples(self, batches: int) -> Examples:
        """As many rows as some batches need; the photographs come again and again."""
        count = len(self.pixels)
        rows = np.arange(batches * self.batch) % count
        labels = rows % len(CLASSES)
        ids = tuple(f"{number:032x}" for number in range(len(rows)))
        return Examples(ids, rows, labels, labels, np.zeros(len(rows), bool))

    def finish(self) -> None:
        """Wait for the device."""
        if self.device.is_cuda:
            torch.cuda.synchronize()

    def rate(self, work: Callable[[], int]) -> float:
        """Images a second of `work`, which returns how many it did."""
        self.finish()
        begun = time.perf_counter()
        images = work()
        self.finish()
        return images / (time.perf_counter() - begun)


def make_images(folder: Path, count: int, size: int) -> None:
    """Photographs of 1024x768 in class folders, and their pixel store of JPEGs."""
    each = count // len(CLASSES)
    paths = [path for k, name in enumerate(CLASSES) for path in write_photographs(folder / "images" / name, each, k)]
    wanted = pd.DataFrame({"image_id": [f"{number:032x}" for number in range(len(paths))], "path": paths, "turn": 0})
    write_store(wanted, folder / "pixels", folder / "cache", size, Resize(store="jpeg"))


def engine(setting: Setting, arch: str, **train: Any) -> Engine:
    """Our engine on a fresh network with the parameters of params.yaml."""
    asked = {"arch": arch, "image_size": setting.size, "batch_size": setting.batch, "epochs": 4}
    params = parse({**asked, "train": {"checks": False, **train}})
    torch.manual_seed(0)
    model = build(Spec(arch, setting.size), len(CLASSES))
    facts = Header(arch, CLASSES, setting.size, IMAGENET_MEAN, IMAGENET_STD)
    return Engine(model, find_head(model, len(CLASSES)), facts, params, setting.device)


def bare_training(own: Engine, setting: Setting, *, compiled: bool = False) -> float:
    """Images a second of forward, backward and step alone, on one batch in the memory of the device."""
    own.model.train()
    forward = torch.compile(own.model) if compiled else own.model
    images = torch.randn(setting.batch, 3, setting.size, setting.size, device=setting.device.torch)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.randint(0, len(CLASSES), (setting.batch,), device=setting.device.torch)

    def work(batches: int) -> int:
        steps(own, forward, ((images, labels) for _ in range(batches)))
        return batches * setting.batch

    work(min(8, setting.batches))
    return setting.rate(partial(work, setting.batches))


def steps(own: Engine, forward: Callable[..., torch.Tensor], batches: Iterable[tuple[torch.Tensor, ...]]) -> int:
    """A step for every batch, in the precision of our engine; returns the number of images."""
    done = 0
    for images, labels in batches:
        with own.device.autocast():
            loss = functional.cross_entropy(forward(images).float(), labels)
        own.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        own.optimizer.step()
        done += len(images)
    return done


def our_training(own: Engine, setting: Setting, workers: int = 0) -> float:
    """Images a second of whole epochs of the stage `train`, from JPEGs on disk, after a short epoch to warm up."""
    with Loader(setting.pixels, setting.device, workers) as loader:
        own.train(0, loader, setting.examples(min(8, setting.batches)), None, METER)
        examples = setting.examples(setting.batches)

        def work() -> int:
            own.train(1, loader, examples, None, METER)
            return len(examples)

        return setting.rate(work)


def our_step(own: Engine, setting: Setting) -> float:
    """Images a second of the steps of the stage `train` on one batch that is on the device already."""
    examples = setting.examples(1)
    with Loader(setting.pixels, setting.device) as loader:
        batch = next(iter(loader.batches(examples, [np.arange(len(examples))])))
    own._set_mode(frozen=False)

    def work(batches: int) -> int:
        for _ in range(batches):
            own._step(batch, examples, batch.indices, 0)
        return batches * setting.batch

    work(min(8, setting.batches))
    return setting.rate(partial(work, setting.batches))


def loading(setting: Setting, workers: int) -> float:
    """Images a second that reach the device when nothing is done with them."""
    examples = setting.examples(setting.batches)
    parts = np.array_split(np.arange(len(examples)), setting.batches)

    def work(of: list[np.ndarray]) -> int:
        return sum(len(batch.indices) for batch in loader.batches(examples, of))

    with Loader(setting.pixels, setting.device, workers) as loader:
        work(parts[:4])
        return setting.rate(partial(work, parts))


def plain_batches(setting: Setting, *, training: bool) -> Iterator[tuple[torch.Tensor, ...]]:
    """Batches as tutorials make them: ImageFolder, transforms image by image, DataLoader with a worker a core."""
    changes = [
        transforms.RandomHorizontalFlip(),
        transforms.RandomAffine(TURNS, scale=ZOOM, interpolation=transforms.InterpolationMode.BILINEAR),
    ]
    listed = [
        transforms.Resize((setting.size, setting.size)),
        *(changes if training else []),
        transforms.ToTensor(),
        transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
    ]
    data = datasets.ImageFolder(setting.folder / "images", transforms.Compose(listed))
    target = setting.device.torch
    for images, labels in _loaded(data, setting):
        there = images.to(target, non_blocking=True).contiguous(memory_format=torch.channels_last)
        yield there, labels.to(target, non_blocking=True)


def gpu_decoded_batches(setting: Setting, *, training: bool) -> Iterator[tuple[torch.Tensor, ...]]:
    """The same, but the workers only read the files, and nvJPEG decodes a batch on the GPU."""
    changes = [
        v2.RandomHorizontalFlip(),
        v2.RandomAffine(TURNS, scale=ZOOM, interpolation=v2.InterpolationMode.BILINEAR),
    ]
    listed = [
        v2.Resize((setting.size, setting.size), antialias=True),
        *(changes if training else []),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
    ]
    change = v2.Compose(listed)
    data = datasets.ImageFolder(setting.folder / "images", loader=io.read_file)
    for (files, lengths), labels in _loaded(data, setting, _together):
        decoded = io.decode_jpeg(list(files.split(lengths)), device=setting.device.torch)
        images = torch.stack([change(image) for image in decoded]).to(memory_format=torch.channels_last)
        yield images, labels.to(setting.device.torch)


def plain_training(own: Engine, setting: Setting, batches: Batches) -> float:
    """Images a second of a plain loop; the first batches, in which the workers start, are not counted."""
    stream = batches(setting, training=True)
    own.model.train()
    steps(own, own.model, (next(stream) for _ in range(WORKERS)))
    return setting.rate(lambda: steps(own, own.model, stream))


def network(setting: Setting, arch: str) -> torch.nn.Module:
    """A network of random weights on the device, ready to score, and its checkpoint in the folder."""
    torch.manual_seed(0)
    model = build(Spec(arch, setting.size), len(CLASSES))
    path = setting.folder / f"{arch}.safetensors"
    checkpoint.save(path, model.state_dict(), Header(arch, CLASSES, setting.size, IMAGENET_MEAN, IMAGENET_STD))
    return model.eval().to(setting.device.torch).to(memory_format=torch.channels_last)


def bare_scoring(model: torch.nn.Module, setting: Setting) -> float:
    """Images a second of the forward pass alone, on one batch in the memory of the device."""
    images = torch.randn(setting.batch, 3, setting.size, setting.size, device=setting.device.torch)
    images = images.to(memory_format=torch.channels_last)

    def work(batches: int) -> int:
        with torch.inference_mode():
            for _ in range(batches):
                with setting.device.autocast():
                    model(images)
        return batches * setting.batch

    work(min(8, setting.batches))
    return setting.rate(partial(work, setting.batches))


def streamed(setting: Setting, arch: str) -> float:
    """Images a second of `Scorer.stream`: logits and embeddings, in memory, of pixels in memory."""
    scorer = Scorer(setting.folder / f"{arch}.safetensors", setting.device.torch.type)
    some = setting.pixels.batch(np.arange(min(64, len(setting.pixels))))
    batch = scorer.memory(setting.batch, *some.shape[1:])
    batch.numpy()[:] = np.resize(some, batch.shape)

    def work(batches: int) -> int:
        return sum(len(scores.logits) for scores in scorer.stream(batch for _ in range(batches)))

    work(min(8, setting.batches))
    return setting.rate(partial(work, setting.batches))


def our_scoring(setting: Setting, arch: str) -> tuple[float, float]:
    """Images a second of the scoring of the stage `evaluate`, from JPEGs to arrays on disk; seconds of its start."""
    ids = list(setting.pixels.image_ids) * max(1, setting.batches * setting.batch // len(setting.pixels))
    path, scratch = setting.folder / f"{arch}.safetensors", setting.folder / "scratch"

    def seconds(some: list[str]) -> float:
        begun = time.perf_counter()
        score(path, setting.pixels, some, setting.batch, scratch, setting.device.torch.type)
        return time.perf_counter() - begun

    start, whole = seconds(ids[: setting.batch]), seconds(ids)
    return (len(ids) - setting.batch) / (whole - start), start


def plain_scoring(model: torch.nn.Module, setting: Setting, batches: Batches) -> float:
    """Images a second of a plain loop that scores; the first batches, in which the workers start, are not counted."""
    stream = batches(setting, training=False)

    def work(some: Iterable[tuple[torch.Tensor, ...]]) -> int:
        with torch.inference_mode(), setting.device.autocast():
            return sum(len(model(images).float().cpu()) for images, _ in some)

    work(next(stream) for _ in range(WORKERS))
    return setting.rate(partial(work, stream))


def _loaded(data: Any, setting: Setting, collate: Any = None) -> Any:
    # Each worker makes whole batches: those of the first turn are not counted, those of the next two are.
    repeated: Any = torch.utils.data.ConcatDataset([data] * -(-3 * WORKERS * setting.batch // len(data)))
    return torch.utils.data.DataLoader(
        repeated,
        setting.batch,
        shuffle=True,
        drop_last=True,
        num_workers=WORKERS,
        pin_memory=setting.device.is_cuda,
        collate_fn=collate,
    )


def _together(items: list[tuple[torch.Tensor, int]]) -> tuple[tuple[torch.Tensor, list[int]], torch.Tensor]:
    """The bytes of a batch in one tensor: each that goes between processes costs a file descriptor."""
    files = [file for file, _ in items]
    return (torch.cat(files), [len(file) for file in files]), torch.tensor([label for _, label in items])
