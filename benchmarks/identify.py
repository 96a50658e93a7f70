"""How fast `curate identify` is beside the bare forward pass, and how much memory it takes.

    python benchmarks/identify.py --images 8000 --size 224

Makes photographs-like JPEGs and an untrained checkpoint, then times (1) the forward pass alone on pixels that are in
memory, (2) decoding alone with as many processes, (3) `curate identify` in a process of its own, its memory with that
of its workers. Where decoding is the limit, it is said. Then a run is killed with SIGKILL and started again. Writes
benchmarks/results/identify.md.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from curation import workers
from curation.identify.decode import Decoder
from curation.identify.parts import Parts
from curation.identify.sources import items

RESULTS = Path(__file__).parent / "results"
CLASSES = tuple(f"class {number}" for number in range(20))


def main() -> None:
    """Make the images, time all three, write the table."""
    asked = _arguments()
    with tempfile.TemporaryDirectory(dir=asked.scratch) as name:
        folder = Path(name)
        checkpoint = make_checkpoint(folder, asked)
        make_images(folder / "photos", asked.images, asked.pixels)
        forward = time_forward(checkpoint, asked)
        decoding = time_decoding(folder / "photos", asked)
        identify, memory = time_identify(folder, checkpoint, asked)
        lost = kill_and_restart(folder, checkpoint, asked)
    limit = min(forward, decoding)
    cores = len(os.sched_getaffinity(0))
    together = 1 / (1 / forward + 1 / decoding)  # on a CPU both compete for the same cores
    text = "\n".join([
        "# `curate identify`: speed and memory",
        "",
        f"{asked.images:,} JPEGs of {asked.pixels} pixels, {asked.arch} at {asked.size} pixels,",
        f"batches of {asked.batch}, {cores} cores, no GPU. Made by `python benchmarks/identify.py`.",
        "",
        "| | images/s | of the bare forward |",
        "|---|---|---|",
        f"| bare forward, pixels in memory | {forward:.0f} | 1.00 |",
        f"| decoding alone, {asked.workers} processes | {decoding:.0f} | {decoding / forward:.2f} |",
        f"| `curate identify`, start to end | {identify:.0f} | {identify / forward:.2f} |",
        "",
        f"The slower of the two parts alone makes {limit:.0f} images/s; both share the same cores here, and one",
        f"after the other they would make {together:.0f}. Peak memory, workers included: {memory:.0f} MB.",
        f"Killed with SIGKILL and started again: {lost} images of a batch of {asked.batch} were scored twice.",
        "",
    ])  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "identify.md").write_text(text, encoding="utf-8")
    print(text)


def make_checkpoint(folder: Path, asked: argparse.Namespace) -> Path:
    """An untrained model: its speed is that of a trained one."""
    from curation.model.backbone import Spec, build
    from curation.model.checkpoint import save
    from curation.model.header import Header

    path = folder / "candidate.safetensors"
    state = build(Spec(asked.arch, asked.size), len(CLASSES)).state_dict()
    save(path, state, Header(asked.arch, CLASSES, asked.size, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)))
    return path


def make_images(folder: Path, count: int, pixels: int) -> None:
    """Smooth colour noise, which compresses like photographs; 200 different ones, then copies that differ."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(min(count, 200)):
        small = Image.fromarray(rng.integers(0, 255, (24, 32, 3), dtype=np.uint8))
        small.resize((pixels, pixels * 3 // 4), Image.Resampling.BICUBIC).save(folder / f"{number:06d}.jpg", quality=88)
    for number in range(200, count):
        data = (folder / f"{number % 200:06d}.jpg").read_bytes()
        (folder / f"{number:06d}.jpg").write_bytes(data + number.to_bytes(4, "big"))  # bytes after the end are not read


def time_forward(checkpoint: Path, asked: argparse.Namespace) -> float:
    """Images/s of the model alone."""
    from curation.model.scoring import Scorer

    scorer = Scorer(checkpoint)
    batch = np.random.default_rng(0).integers(0, 255, (asked.batch, asked.size, asked.size, 3), dtype=np.uint8)
    scorer.score(batch)
    rounds = max(3, min(asked.images // asked.batch, 20))
    began = time.perf_counter()
    for _ in scorer.stream(batch for _ in range(rounds)):
        pass
    return rounds * asked.batch / (time.perf_counter() - began)


def time_decoding(folder: Path, asked: argparse.Namespace) -> float:
    """Images/s of reading and decoding alone, with the processes that identify uses."""
    found = items(str(folder))[: min(asked.images, 2000)]
    began = time.perf_counter()
    done = sum(1 for _ in workers.run(Decoder(asked.size), found, workers=asked.workers, chunk=32))
    return done / (time.perf_counter() - began)


def command(checkpoint: Path, asked: argparse.Namespace) -> list[str]:
    """The command line that is measured."""
    tool = [sys.executable, "-m", "curation.cli.main"] if not shutil.which("curate") else ["curate"]
    options = ["--model", str(checkpoint), "--out", "out.parquet", "--json"]
    return [*tool, "identify", "photos", *options, "--workers", str(asked.workers), "--batch-size", str(asked.batch)]


def time_identify(folder: Path, checkpoint: Path, asked: argparse.Namespace) -> tuple[float, float]:
    """Images/s from start to end, and the peak memory in MB of the process and its children."""
    began = time.perf_counter()
    run = subprocess.Popen(command(checkpoint, asked), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    peak = 0.0
    while run.poll() is None:
        peak = max(peak, sum(map(resident, family(run.pid))))
        time.sleep(0.2)
    took = time.perf_counter() - began
    told = json.loads(run.stdout.read())[0]
    assert told["images"] == told["scored now"] == asked.images, told
    return asked.images / took, peak / 1e6


def kill_and_restart(folder: Path, checkpoint: Path, asked: argparse.Namespace) -> int:
    """How many images are scored a second time after a SIGKILL in the middle."""
    from curation.identify.models import open_model

    cache = folder / ".cache"
    shutil.rmtree(cache)
    parts = Parts(cache / "curation/identify" / open_model(checkpoint).digest[:16] / "files")
    run = subprocess.Popen(command(checkpoint, asked), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(parts.all()) < 4:
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    kept = len(parts.seen())
    again = subprocess.run(command(checkpoint, asked), cwd=folder, capture_output=True, text=True, check=True)
    scored = json.loads(again.stdout)[0]["scored now"]
    assert scored == asked.images - kept
    return scored - (asked.images - kept)


def family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        try:
            todo += [int(text) for text in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
        except OSError:
            continue
    return found


def resident(pid: int) -> float:
    """Proportional memory of a process in bytes: pages that it shares count in part."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024.0 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = partial(parser.add_argument, type=int)
    add("--images", default=4_000)
    add("--pixels", default=640)
    add("--size", default=224)
    add("--batch", default=64)
    add("--workers", default=2)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--scratch", type=Path, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
