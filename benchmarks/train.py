"""How many images a second training takes, beside its own limit and beside a plain torchvision loop.

    python benchmarks/train.py [--arch mobilenet_v3_small resnet18] [--images 512]

Photographs of 1024x768 as JPEGs, network input 224. Four loops in processes of their own, in turn, several times: the
bare forward and backward pass on tensors in memory, our stage (pixel store, augmentation on the device), ImageFolder
with DataLoader and the same augmentation image by image as tutorials have it, and the same with the memory settings
and the memory layout of ours, so that the input path stands alone. The first batches of each are not counted: the
queues fill and the caches warm; then each runs for a dozen seconds, or to the end of the images. Beside the images a
second stands the processor time of one, workers included, which other work on the machine moves less. Writes
benchmarks/results/train.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from photographs import write_photographs
from tables import Table, write_page

if TYPE_CHECKING:
    import torch

    from curation.model.training.epoch import Engine

SIZE, CLASSES, WARM, SECONDS = 224, 4, 4, 10  # pixels; classes; batches that are not counted; seconds that are
LOOPS = {
    "bare": "forward and backward on tensors in memory",
    "ours": "`curation` train",
    "plain": "ImageFolder + DataLoader (2 workers)",
    "tuned": "the same, with our memory settings and channels-last",
}


def main() -> None:
    """Make the images, run every loop, write the page."""
    asked = _arguments()
    if asked.loop:
        print(json.dumps(measure(asked)))
        return
    with tempfile.TemporaryDirectory(prefix="bench-train-") as folder:
        place = asked.folder or Path(folder)
        if not (place / "pixels").exists():
            make_images(place, asked.images)
        found: dict[tuple[str, str], list[list[float]]] = {}
        for arch, _, loop in product(asked.arch, range(asked.rounds), LOOPS):
            found.setdefault((arch, loop), []).append(in_a_process(place, arch, loop, asked))
            print(arch, loop, *(f"{value:.4g}" for value in found[arch, loop][-1]), file=sys.stderr, flush=True)
    report({key: np.median(each, axis=0).tolist() for key, each in found.items()}, asked)


def make_images(folder: Path, count: int) -> None:
    """Photographs in class folders, and their pixel store."""
    import pandas as pd

    from curation.images.store.pixel_store import write_store
    from curation.params.blocks import Resize

    paths = [
        path for k in range(CLASSES) for path in write_photographs(folder / f"images/{k}", count // CLASSES, seed=k)
    ]
    wanted = pd.DataFrame({"image_id": [f"{number:032x}" for number in range(len(paths))], "path": paths, "turn": 0})
    write_store(wanted, folder / "pixels", folder / "cache", SIZE, Resize(workers=1))


def in_a_process(folder: Path, arch: str, loop: str, asked: argparse.Namespace) -> list[float]:
    """Images a second of one loop and milliseconds of processor time an image, measured in a fresh process."""
    command = [sys.executable, __file__, "--loop", loop, "--folder", str(folder), "--arch", arch]
    told = subprocess.run([*command, "--batch", str(asked.batch)], check=True, capture_output=True, text=True).stdout
    return list(json.loads(told.splitlines()[-1]))


def measure(asked: argparse.Namespace) -> tuple[float, float]:
    """Images a second and milliseconds of processor time an image, after the first batches."""
    clock = {"bare": bare, "ours": ours, "plain": plain, "tuned": tuned}[asked.loop](asked)
    (begun, used), (ended, used_by_then) = clock.done[WARM - 1], clock.done[-1]
    images = asked.batch * (len(clock.done) - WARM)
    return images / (ended - begun), 1000 * (used_by_then - used) / images


def engine(asked: argparse.Namespace) -> "Engine":
    """Our engine on a fresh model."""
    from curation.model.backbone import IMAGENET_MEAN, IMAGENET_STD, Spec, build
    from curation.model.classifier_head import find_head
    from curation.model.device import choose
    from curation.model.header import Header
    from curation.model.training.epoch import Engine
    from curation.params.loading import parse

    params = parse({"arch": asked.arch[0], "image_size": SIZE, "batch_size": asked.batch, "epochs": 1})
    model = build(Spec(asked.arch[0], SIZE), CLASSES)
    facts = Header(asked.arch[0], (), SIZE, IMAGENET_MEAN, IMAGENET_STD)
    return Engine(model, find_head(model, CLASSES), facts, params, choose())


def bare(asked: argparse.Namespace) -> "Clock":
    """Forward, backward and step on the same tensors, with our memory settings."""
    import torch

    own = engine(asked)
    images = torch.randn(asked.batch, 3, SIZE, SIZE).to(own.device.torch).to(memory_format=torch.channels_last)
    labels = torch.randint(0, CLASSES, (asked.batch,)).to(own.device.torch)
    own.model.train()
    batches = sum(1 for _ in (asked.folder / "images").rglob("*.jpg")) // asked.batch
    with own.device.autocast():
        return steps(own.model, own.optimizer, ((images, labels) for _ in range(batches)))


def ours(asked: argparse.Namespace) -> "Clock":
    """One epoch of the stage `train`, told batch by batch."""
    from curation.images.store.pixels import Pixels
    from curation.model.training.examples import Examples
    from curation.model.training.loader import Loader

    pixels = Pixels(asked.folder / "pixels")
    count = len(pixels)
    labels = np.arange(count) % CLASSES
    examples = Examples(tuple(pixels.image_ids), np.arange(count), labels, labels, np.zeros(count, bool))
    clock = Clock()
    own = engine(asked)
    with Loader(pixels, own.device) as loader, suppress(EnoughError):
        meter: Any = clock  # the loop only adds to it
        own.train(0, loader, examples, None, meter)
    return clock


def plain(asked: argparse.Namespace, *, layout: str = "contiguous_format") -> "Clock":
    """What a tutorial does: ImageFolder, transforms for each image, DataLoader with two workers."""
    import torch
    from torchvision import datasets, models, transforms

    steps_of_one = [
        transforms.Resize((SIZE, SIZE)),
        transforms.RandomHorizontalFlip(),
        transforms.RandomAffine(10, scale=(1 / 1.1, 1.2), interpolation=transforms.InterpolationMode.BILINEAR),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
    data = datasets.ImageFolder(asked.folder / "images", transforms.Compose(steps_of_one))
    loader = torch.utils.data.DataLoader(data, asked.batch, shuffle=True, num_workers=2)
    place, order = torch.device("cuda" if torch.cuda.is_available() else "cpu"), getattr(torch, layout)
    model = models.get_model(asked.arch[0], num_classes=CLASSES).to(place, memory_format=order).train()
    batches = ((images.to(place, memory_format=order), labels.to(place)) for images, labels in loader)
    return steps(model, torch.optim.AdamW(model.parameters()), batches)


def tuned(asked: argparse.Namespace) -> "Clock":
    """The plain loop with what makes torch itself quicker on a CPU."""
    from curation.model.device import keep_freed_memory

    keep_freed_memory()
    return plain(asked, layout="channels_last")


def steps(
    model: "torch.nn.Module",
    optimizer: "torch.optim.Optimizer",
    batches: "Iterable[tuple[torch.Tensor, torch.Tensor]]",
) -> "Clock":
    """A step for every batch, and the moments at which they were done."""
    import torch

    clock = Clock()
    with suppress(EnoughError):
        for images, labels in batches:
            loss = torch.nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            clock.add(len(images))
    return clock


class EnoughError(Exception):
    """The loop has run for long enough."""


class Clock:
    """Notes when each batch was done and what processor time it took by then, and ends the loop in time."""

    def __init__(self) -> None:
        self.done: list[tuple[float, float]] = []

    def add(self, _images: int) -> None:
        """A batch is done."""
        self.done.append((time.perf_counter(), processor_seconds()))
        if len(self.done) > WARM + 1 and self.done[-1][0] - self.done[WARM - 1][0] > SECONDS:
            raise EnoughError


def processor_seconds() -> float:
    """Processor time of this process and of its workers that are alive, as Linux counts it."""
    workers = [pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]
    told = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in ("self", *workers)]
    return sum(int(fields[11]) + int(fields[12]) for fields in told) / os.sysconf("SC_CLK_TCK")


def report(found: dict[tuple[str, str], list[float]], asked: argparse.Namespace) -> None:
    """The page."""
    header = ["loop", "images/s", "ours against it", "processor ms an image", "its against ours"]
    tables = []
    for arch in asked.arch:
        rate, cost = found[arch, "ours"]
        rows = []
        for loop in [loop for loop in LOOPS if (arch, loop) in found]:
            its_rate, its_cost = found[arch, loop]
            rows.append(
                (LOOPS[loop], f"{its_rate:.1f}", f"{rate / its_rate:.2f}", f"{its_cost:.1f}", f"{its_cost / cost:.2f}")
            )
        tables.append(Table(header, rows, arch))
    threads = os.environ.get("OMP_NUM_THREADS", os.cpu_count())
    about = (
        f"{asked.images} JPEGs of 1024x768, network input {SIZE}, batches of {asked.batch}, fp32; a process for each\n"
        f"loop, the first {WARM} batches not counted, rounds: {asked.rounds}; threads of torch: {threads}; load of\n"
        f"the machine at the end: {os.getloadavg()[0]:.1f}. `python benchmarks/train.py`"
    )
    notes = (
        "mobilenet_v3_small is a network for which the input path matters on two cores: a plain loop spends more on\n"
        "the rest than on its forward and backward pass. resnet18 takes seven times as long for that pass. Where the\n"
        "load is above the number of threads, only the processor times count."
    )
    write_page("train", "Training speed", about, tables, notes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", nargs="+", default=["mobilenet_v3_small", "resnet18"])
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the images are made, or lie from an earlier run")
    parser.add_argument("--loop", choices=LOOPS, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
