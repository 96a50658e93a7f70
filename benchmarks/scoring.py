"""How many images a second scoring takes, beside the bare forward pass of the same network.

    python benchmarks/scoring.py [--arch mobilenet_v3_small] [--size 224]

Both in turn in one process, several times. Writes benchmarks/results/scoring.md.
"""

import argparse
import datetime
import os
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from curation.model import checkpoint
from curation.model.backbone import IMAGENET_MEAN, IMAGENET_STD, Spec, build
from curation.model.header import Header
from curation.model.scoring import Scorer

RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = 5


def main() -> None:
    """Measure and write the table."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="bench-scoring-") as folder:
        path = Path(folder) / "model"
        model = build(Spec(asked.arch, asked.size), 10)
        state = model.state_dict()
        checkpoint.save(path, state, Header(asked.arch, tuple("abcdefghij"), asked.size, IMAGENET_MEAN, IMAGENET_STD))
        scorer = Scorer(path)
    model = model.eval().to(scorer.device.torch, memory_format=torch.channels_last)
    shape = (asked.batch, asked.size, asked.size, 3)
    batches = [np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8) for _ in range(asked.batches)]
    tensor = torch.randn(asked.batch, 3, asked.size, asked.size).to(scorer.device.torch)
    tensor = tensor.to(memory_format=torch.channels_last)

    def ours() -> None:
        for _ in scorer.stream(batches):
            pass

    def bare() -> None:
        with torch.inference_mode(), scorer.device.autocast():
            for _ in batches:
                model(tensor).cpu()

    times = {"bare": [], "ours": []}
    for _ in range(ROUNDS + 1):
        for name, loop in (("bare", bare), ("ours", ours)):
            begun = time.perf_counter()
            loop()
            times[name].append(time.perf_counter() - begun)
    rates = {name: asked.batch * asked.batches / float(np.median(found[1:])) for name, found in times.items()}
    today = datetime.datetime.now(tz=datetime.UTC)
    lines = [
        "# Scoring speed",
        "",
        f"{today:%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f};",
        f"{scorer.device.describe()}. {asked.arch} at {asked.size} px, batches of {asked.batch}, median of {ROUNDS}.",
        "",
        "| loop | images/s | ours against it |",
        "|---|---|---|",
        f"| bare forward | {rates['bare']:.1f} | {rates['ours'] / rates['bare']:.2f} |",
        f"| `Scorer.stream`, logits and embeddings from uint8 | {rates['ours']:.1f} | |",
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scoring.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="mobilenet_v3_small")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    main()
