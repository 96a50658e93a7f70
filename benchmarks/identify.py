"""How fast `curate identify` is beside the bare forward pass, and how much memory it takes.

    python benchmarks/identify.py --images 4000 --size 224

Makes JPEGs and an untrained checkpoint, then measures (1) the forward pass alone on pixels that are in memory, (2)
reading and decoding alone, (3) `curate identify` in a process of its own, with its workers. What is counted is
processor time, so that the figures hold on a machine that does other things too; the cost of starting, measured by a
run that finds nothing new, is told apart. Then a run is killed with SIGKILL and started again. Writes
benchmarks/results/identify.md.
"""

import argparse
import json
import os
import resource
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
        start, _ = time_identify(folder, checkpoint, asked, scored=0)
        again = kill_and_restart(folder, checkpoint, asked)
    ours = asked.images / (identify - start)
    both = together(forward, decoding)
    text = "\n".join([
        "# `curate identify`: speed and memory",
        "",
        f"{asked.images:,} JPEGs of {asked.pixels} pixels, {asked.arch} at {asked.size} pixels,",
        f"batches of {asked.batch}, no GPU. Images for each second of processor time, on a machine that was busy",
        "with other things. Made by `python benchmarks/identify.py`.",
        "",
        "| | images/s | of the bare forward |",
        "|---|---|---|",
        f"| bare forward, pixels in memory | {forward:.0f} | 1.00 |",
        f"| reading and decoding alone | {decoding:.0f} | {decoding / forward:.2f} |",
        f"| both, if the rest cost nothing | {both:.0f} | {both / forward:.2f} |",
        f"| `curate identify`, decoding included | {ours:.0f} | {ours / forward:.2f} |",
        "",
        f"A run with nothing to score costs {start:.1f} s, not in the figures; loading torch and the model is in",
        "them, and weighs on a short run.",
        "On a CPU, decoding takes the processor from the forward pass; on a GPU it does not. Peak memory with workers:",
        f"{memory:.0f} MB. Killed with SIGKILL and started again: {again} images that were on disk were scored twice.",
        "",
    ])  # fmt: skip
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "identify.md").write_text(text, encoding="utf-8")
    print(text)


def together(one: float, other: float) -> float:
    """Images/s of two steps one after the other."""
    return 1 / (1 / one + 1 / other)


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
    """Images for each second of processor time, of the model alone."""
    from curation.model.scoring import Scorer

    scorer = Scorer(checkpoint)
    batch = np.random.default_rng(0).integers(0, 255, (asked.batch, asked.size, asked.size, 3), dtype=np.uint8)
    scorer.score(batch)
    rounds = max(3, min(asked.images // asked.batch, 20))
    began = time.process_time()
    for _ in scorer.stream(batch for _ in range(rounds)):
        pass
    return rounds * asked.batch / (time.process_time() - began)


def time_decoding(folder: Path, asked: argparse.Namespace) -> float:
    """Images for each second of processor time, of reading, decoding and measuring alone."""
    found = items(str(folder))[: min(asked.images, 1000)]
    decoder = Decoder(asked.size)
    decoder(found[0])
    began = time.process_time()
    done = sum(1 for _ in map(decoder, found))
    return done / (time.process_time() - began)


def command(checkpoint: Path, asked: argparse.Namespace) -> list[str]:
    """The command line that is measured."""
    tool = [sys.executable, "-c", "from curation.cli.main import app; app()"]
    options = ["--model", str(checkpoint), "--out", "out.parquet", "--json"]
    return [*tool, "identify", "photos", *options, "--workers", str(asked.workers), "--batch-size", str(asked.batch)]


def time_identify(
    folder: Path, checkpoint: Path, asked: argparse.Namespace, scored: int | None = None
) -> tuple[float, float]:
    """Processor seconds from start to end, and the peak memory in MB, of the process and its children."""
    before = children()
    run = subprocess.Popen(command(checkpoint, asked), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    peak = 0.0
    while run.poll() is None:
        peak = max(peak, sum(map(resident, family(run.pid))))
        time.sleep(0.2)
    told = json.loads(run.stdout.read())[0]
    assert told["images"] == asked.images, told
    assert told["scored now"] == (asked.images if scored is None else scored), told
    return children() - before, peak / 1e6


def children() -> float:
    """Processor seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
