"""How many images a second training takes, beside its own limit and beside a plain torchvision loop.

 python benchmarks/train.py [--arch mobilenet_v3_small] [--images 256]

JPEGs of 1024x768, network input 224. Three loops in processes of their own, twice around: the bare forward and
backward pass on tensors in memory, our stage (pixel store, augmentation on the device), and ImageFolder with
DataLoader and the same augmentation image by image. Writes benchmarks/results/train.md.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from curation.model.engine import Engine

RESULTS = Path(__file__).resolve().parent / "results"
SIZE, CLASSES, ROUNDS = 224, 4, 2
LOOPS = ("bare", "ours", "plain")


def main() -> None:
    """Make the images, run every loop, write the table."""
    asked = _arguments()
    if asked.loop:
        print(json.dumps(measure(asked)))
        return
    with tempfile.TemporaryDirectory(prefix="bench-train-") as folder:
        make_images(Path(folder), asked.images)
        rates: dict[str, list[float]] = {loop: [] for loop in LOOPS}
        for _ in range(ROUNDS):
            for loop in LOOPS:
                command = [sys.executable, __file__, "--loop", loop, "--folder", folder, "--arch", asked.arch]
                command += ["--images", str(asked.images), "--batch", str(asked.batch)]
                told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                rates[loop].append(json.loads(told.splitlines()[-1]))
    report({loop: float(np.mean(found)) for loop, found in rates.items()}, asked)


def make_images(folder: Path, count: int) -> None:
    """Photograph-like JPEGs (noise at several scales) in class folders, and their pixel store."""
    import pandas as pd
    from PIL import Image

    from curation.model.store import write_store
    from curation.params.blocks import Resize

    draw, rows = np.random.default_rng(0), []
    for number in range(count):
        layers = [Image.fromarray(draw.integers(0, 256, (3 * k, 4 * k, 3), dtype=np.uint8)) for k in (2, 16, 96)]
        large = [np.asarray(layer.resize((1024, 768)), dtype=np.float32) for layer in layers]
        path = folder / f"images/{number % CLASSES}/{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.mean(large, axis=0).astype(np.uint8)).save(path, quality=90)
        rows.append((f"{number:032x}", str(path), 0))
    wanted = pd.DataFrame(rows, columns=["image_id", "path", "turn"])
    write_store(wanted, folder / "pixels", folder / "cache", SIZE, Resize(workers=1))


def measure(asked: argparse.Namespace) -> float:
    """Images a second of one loop.

    After one batch to warm up; a loop returns the moment at which each batch was done.
    """
    done = {"bare": bare, "ours": ours, "plain": plain}[asked.loop](asked)
    return asked.batch * (len(done) - 1) / (done[-1] - done[0])


def engine(asked: argparse.Namespace) -> "Engine":
    """Our engine on a fresh model."""
    from curation.model.backbone import IMAGENET_MEAN, IMAGENET_STD, Spec, build, find_head
    from curation.model.device import choose
    from curation.model.engine import Engine
    from curation.model.header import Header
    from curation.params.loading import parse

    params = parse({"arch": asked.arch, "image_size": SIZE, "batch_size": asked.batch, "epochs": 1})
    model = build(Spec(asked.arch, SIZE), CLASSES)
    facts = Header(asked.arch, (), SIZE, IMAGENET_MEAN, IMAGENET_STD)
    return Engine(model, find_head(model, CLASSES), facts, params, choose())


def bare(asked: argparse.Namespace) -> list[float]:
    """Forward, backward and step on the same tensors, with our memory settings."""
    import torch

    own = engine(asked)
    images = torch.randn(asked.batch, 3, SIZE, SIZE).to(own.device.torch).to(memory_format=torch.channels_last)
    labels = torch.randint(0, CLASSES, (asked.batch,)).to(own.device.torch)
    own.model.train()
    done = []
    for _ in range(asked.images // asked.batch):
        with own.device.autocast():
            loss = torch.nn.functional.cross_entropy(own.model(images), labels)
        own.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        own.optimizer.step()
        float(loss)
        done.append(time.perf_counter())
    return done


def ours(asked: argparse.Namespace) -> list[float]:
    """One epoch of the stage `train`, told batch by batch."""
    from curation.model.examples import Examples
    from curation.model.feed import Feed
    from curation.model.pixels import Pixels

    pixels = Pixels(asked.folder / "pixels")
    count = len(pixels)
    labels = np.arange(count) % CLASSES
    examples = Examples(tuple(pixels.image_ids), np.arange(count), labels, labels, np.zeros(count, bool))
    done: list[float] = []

    class Ticker:
        def add(self, _images: int) -> None:
            done.append(time.perf_counter())

    own = engine(asked)
    with Feed(pixels, own.device) as feed:
        own.train(0, feed, examples, None, Ticker())
    return done


def plain(asked: argparse.Namespace) -> list[float]:
    """What a tutorial does: ImageFolder, transforms for each image, DataLoader with two workers."""
    import torch
    from torchvision import datasets, models, transforms

    steps = [
        transforms.Resize((SIZE, SIZE)),
        transforms.RandomHorizontalFlip(),
        transforms.RandomAffine(10, scale=(1 / 1.1, 1.2)),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ]
    data = datasets.ImageFolder(asked.folder / "images", transforms.Compose(steps))
    loader = torch.utils.data.DataLoader(data, asked.batch, shuffle=True, num_workers=2)
    place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = models.get_model(asked.arch, num_classes=CLASSES).to(place).train()
    optimizer = torch.optim.AdamW(model.parameters())
    done = []
    for images, labels in loader:
        loss = torch.nn.functional.cross_entropy(model(images.to(place)), labels.to(place))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        float(loss)
        done.append(time.perf_counter())
    return done


def report(rates: dict[str, float], asked: argparse.Namespace) -> None:
    """The table."""
    today = datetime.datetime.now(tz=datetime.UTC)
    rows = [
        ("forward and backward on tensors in memory", "bare"),
        ("`curation` train", "ours"),
        ("ImageFolder + DataLoader", "plain"),
    ]
    lines = [
        "# Training speed",
        "",
        f"{today:%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}.",
        f"{asked.arch}, batches of {asked.batch}, {asked.images} JPEGs of 1024x768, network input {SIZE};",
        f"a process for each loop, mean of {ROUNDS}.",
        "",
        "| loop | images/s | ours against it |",
        "|---|---|---|",
        *(f"| {name} | {rates[loop]:.1f} | {rates['ours'] / rates[loop]:.2f} |" for name, loop in rows),
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "train.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="mobilenet_v3_small")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--loop", choices=LOOPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
