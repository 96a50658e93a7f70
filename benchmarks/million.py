"""A million images end to end: `python benchmarks/million.py [--count 1000000]` (results/million.md).

Small pictures are drawn and written as JPEG files: random waves, with the fine structure of a photograph. 5% are copies
of others, three quarters as large and of lower quality. Then the stages run as `dvc repro` starts them, in processes of
their own: `ingest` without and with its cache, and `dedupe`, whose copies are proven on the pixels of the files. Peak
memory is the sum of what the kernel counts as resident, of the stage and its workers; scratch files that are mapped
into memory count, and shared pages count several times. A million files take 10 GB of disk.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from photographs import sources
from PIL import Image, ImageFilter
from tables import Table, write_page

from curation.engine import mapping

ROOT = Path(__file__).parent.parent
TARGET = 1_000_000, 1200  # images, and seconds for all of them
LIMIT_GB = 2.0
WIDE, HIGH = 256, 192
CORES = 2  # of the machine that the target is for
COPIES = 20  # every so many-th image is a copy of the one before
LABELS = 500
WAVES = 8


@cache
def details() -> list[NDArray[np.float32]]:
    """The fine structure of parts of photographs, float32 [HIGH, WIDE]."""
    found = []
    for image in sources():
        grey = image.convert("L").resize((4 * WIDE, 4 * HIGH))
        fine = np.asarray(grey, np.float32) - np.asarray(grey.filter(ImageFilter.GaussianBlur(8)), np.float32)
        found += [fine[y : y + HIGH, x : x + WIDE] for y in range(0, 4 * HIGH, HIGH) for x in range(0, 4 * WIDE, WIDE)]
    return found


@cache
def waves(length: int) -> NDArray[np.float32]:
    """The slowest cosine waves, float32 [length, WAVES]."""
    return np.cos(np.pi * (2 * np.arange(length)[:, None] + 1) * np.arange(WAVES) / (2 * length)).astype(np.float32)


def picture(number: int) -> Image.Image:
    """A picture that no other number has."""
    random = np.random.default_rng(number)
    heights = random.standard_normal((WAVES, WAVES)) / (1 + np.add.outer(np.arange(WAVES), np.arange(WAVES)))
    detail = details()[random.integers(len(details()))]
    detail = np.roll(detail, random.integers(0, WIDE, 2), (0, 1))
    grey = 128 + 40 * waves(HIGH) @ heights.astype(np.float32) @ waves(WIDE).T + detail
    tint = random.uniform(0.8, 1.2, 3).astype(np.float32)
    return Image.fromarray((grey[..., None] * tint).clip(0, 255).astype(np.uint8))


@dataclass(frozen=True)
class Writer:
    """Writes the pictures of a project, by number; called in worker processes."""

    root: Path

    def __call__(self, number: int) -> None:
        """Write one JPEG file, or a copy of the picture before."""
        folder = self.root / "data" / "raw" / f"class {number // COPIES % LABELS:03}"
        is_copy = number % COPIES == COPIES - 1
        image = picture(number - 1 if is_copy else number)
        if is_copy:
            image = image.resize((WIDE * 3 // 4, HIGH * 3 // 4))
        image.save(folder / f"{number:09}.jpg", quality=70 if is_copy else 88)


def write_project(root: Path, count: int) -> None:
    """Write the pictures and the settings."""
    for label in range(min(LABELS, -(-count // COPIES))):
        (root / "data" / "raw" / f"class {label:03}").mkdir(parents=True)
    (root / "stages").mkdir()
    for name in ("params.yaml", "dvc.yaml", "stages/behaviour.yaml"):
        shutil.copy(ROOT / name, root / name)
    for _ in mapping.run(Writer(root), range(count), chunk=256):
        pass


@dataclass(frozen=True)
class Spent:
    """What a stage took, with all its workers."""

    seconds: float
    processor: float
    peak_gb: float
    printed: str

    def row(self, name: str, count: int) -> list[object]:
        """A row of the table."""
        each = 1e3 * self.processor / count
        whole = each * TARGET[0] / 1e3 / CORES
        return [
            name,
            f"{self.seconds:.0f}",
            f"{self.processor:.0f}",
            f"{each:.2f}",
            f"{self.peak_gb:.2f}",
            f"{whole:.0f}",
        ]


def watch(stage: str, root: Path) -> Spent:
    """Run a stage in a session of its own, and look at its processes twice a second."""
    start = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", f"stages.{stage}"]
    spent: dict[int, float] = {}
    peak = 0.0
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=printed, start_new_session=True)
        while process.poll() is None:
            time.sleep(0.5)
            now = usage(process.pid)
            spent |= {one: seconds for one, (seconds, _) in now.items()}
            peak = max(peak, sum(resident for _, resident in now.values()))
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed")
        printed.seek(0)
        return Spent(time.perf_counter() - start, sum(spent.values()), peak, printed.read())


def usage(session: int) -> dict[int, tuple[float, float]]:
    """Processor seconds and resident GB of each process of a session, by its number; from Linux's /proc."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if int(fields[3]) == session:
            ticks, pages = int(fields[11]) + int(fields[12]), int(fields[21])
            found[int(folder.name)] = ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**30
    return found


def main() -> None:
    """Write the project, run the stages, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=TARGET[0])
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root, count)
        load = os.getloadavg()[0]
        stages = {
            "ingest, no cache": watch("ingest", root),
            "ingest, nothing new": watch("ingest", root),
            "dedupe": watch("dedupe", root),
        }
    header = ["stage", "seconds", "processor seconds", "ms of processor an image", f"peak GB (limit {LIMIT_GB:g})"]
    header.append(f"seconds for {TARGET[0]:,} images on {CORES} idle cores (limit {TARGET[1]} for all)")
    table = Table(header, [spent.row(name, count) for name, spent in stages.items()])
    about = (
        f"{count:,} files of {WIDE} x {HIGH} pixels, 5% of them copies; load {load:.1f} before the stages began. "
        f"`python benchmarks/million.py --count {count}`"
    )
    notes = "\n".join(f"- {line}" for line in stages["dedupe"].printed.splitlines())
    write_page("million", "A million images", about, [table], notes)


if __name__ == "__main__":
    main()
