"""How many images a second scoring takes, beside the bare forward pass of the same network.

    python benchmarks/scoring.py [--arch mobilenet_v3_small] [--size 224]

Both in turn in one process, several times. Writes benchmarks/results/scoring.md.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from tables import Table, write_page

from curation.model import checkpoint
from curation.model.backbone import IMAGENET_MEAN, IMAGENET_STD, Spec, build
from curation.model.header import Header
from curation.model.scorer import Scorer

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
    model = model.eval().to(scorer.device.torch).to(memory_format=torch.channels_last)
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

    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(ROUNDS + 1):
        for name, loop in (("bare", bare), ("ours", ours)):
            begun = time.perf_counter()
            loop()
            times[name].append(time.perf_counter() - begun)
    rates = {name: asked.batch * asked.batches / float(np.median(found[1:])) for name, found in times.items()}
    report(rates, scorer.device.describe(), asked)


def report(rates: dict[str, float], device: str, asked: argparse.Namespace) -> None:
    """The page."""
    rows = [
        ("bare forward", f"{rates['bare']:.1f}", f"{rates['ours'] / rates['bare']:.2f}"),
        ("`Scorer.stream`, logits and embeddings from uint8", f"{rates['ours']:.1f}", None),
    ]
    about = (
        f"{device}; nothing else running.\n{asked.arch} at {asked.size} px, batches of {asked.batch}, "
        f"median of {ROUNDS}. `python benchmarks/scoring.py`"
    )
    write_page("scoring", "Scoring speed", about, [Table(["loop", "images/s", "ours against it"], rows)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="mobilenet_v3_small")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--batches", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    main()
