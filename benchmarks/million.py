"""A million images end to end in memory: `python benchmarks/million.py` (results/million.md).

The pictures are made up, all else is real: 5% are copies of others, with a hash in eight orientations and a thumbnail
each. Two processes are watched. `ingest`: the table from a cache that knows every file; decoding happens in workers,
whose memory does not grow. `dedupe`: the stage as `dvc repro` starts it, pages included. Peak memory is what the kernel
counts as resident at once, scratch files mapped into memory included. It takes a quarter of an hour.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tables import Table, write_page

ROOT = Path(__file__).parent.parent
LIMIT_GB = 2.0
BATCH = 10_000
COPIES = 20  # every so many-th image is a copy of the one before
LABELS = 500


def thumbnails(number: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """Smooth pictures [n, 1152] as ingest's thumbnails are; every 20th is its neighbour with a little noise."""
    waves = np.cos(np.pi * np.arange(8)[:, None] * (2 * np.arange(32) + 1) / 64).astype(np.float32)
    falling = 1 / (1 + np.add.outer(np.arange(8), np.arange(8)))
    heights = (random.standard_normal((number, 8, 8)) * falling).astype(np.float32)
    heights[COPIES - 1 :: COPIES] = heights[COPIES - 2 :: COPIES][: len(heights[COPIES - 1 :: COPIES])]
    grey = waves.T @ heights @ waves
    grey = 128 + 40 * grey + random.standard_normal(grey.shape, np.float32)
    colour = random.integers(100, 156, (number, 128), dtype=np.uint8)
    colour[COPIES - 1 :: COPIES] = colour[COPIES - 2 :: COPIES][: len(colour[COPIES - 1 :: COPIES])]
    return np.hstack([grey.clip(0, 255).astype(np.uint8).reshape(number, -1), colour])


def measured(number: int, random: np.random.Generator) -> Iterator[tuple[bytes, bytes]]:
    """Hash under eight orientations, and thumbnail, of made-up images."""
    from curation.images.hashing import phash_of

    for one in thumbnails(number, random):
        bits = phash_of(one[:1024].reshape(32, 32))
        yield np.packbits(bits.reshape(8, -1), axis=1).tobytes(), one.tobytes()


def frames(number: int) -> Iterator[pd.DataFrame]:
    """The table IMAGES, in parts."""
    from curation.tables import IMAGES

    random = np.random.default_rng(0)
    for start in range(0, number, BATCH):
        rows = np.arange(start, min(start + BATCH, number))
        hashes, pictures = zip(*measured(len(rows), random), strict=True)
        told = {"source": "raw", "origin": "real", "format": "JPEG", "bytes": 150_000, "width": 1024, "height": 768}
        told |= {"benchmark_set": "", "subclass": "", "error": "", "note": "", "hash_quality": 0.5}
        frame = pd.DataFrame({"image_id": [f"{row:032x}" for row in rows], "hash": hashes, "thumbnail": pictures})
        names = [f"class {row // COPIES % LABELS:03}" for row in rows]
        paths = [f"data/raw/{name}/{row:09}.jpg" for name, row in zip(names, rows, strict=True)]
        empty: list[list[str]] = [[] for _ in rows]
        frame = frame.assign(**told, label=names, path=paths, copy_paths=empty, copy_labels=empty)
        yield frame.assign(blur=100.0, brightness=0.5, contrast=0.2)[IMAGES.columns]


def remember(number: int, folder: Path) -> list:
    """Fill ingest's cache with the measures of files that are not there; return what a scan would have found."""
    from curation.images.collection.scan import Found
    from curation.images.image_measures import Measures, Settings
    from curation.images.ingest_cache import Cache
    from curation.images.reading import Reading

    random = np.random.default_rng(0)
    cache = Cache(folder, Settings())
    entries = []
    for start in range(0, number, BATCH):
        part = []
        for row, (code, picture) in enumerate(measured(min(BATCH, number - start), random), start):
            path = f"data/raw/class {row % LABELS:03}/sub/photograph-{row:09}.jpg"
            one = Found(path, "raw", "", f"class {row % LABELS:03}", "sub", "real", 150_000, 10**18 + row, row, "")
            known = Measures("JPEG", 1024, 768, "", "", code, 0.5, picture, 100.0, 0.5, 0.2)
            md5 = f"{row * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"
            part.append((one, Reading(md5, one.size, one.mtime_ns, one.inode, known)))
            entries.append(one)
        cache.add(part)
    cache.close()
    return entries


def run_ingest(number: int, place: Path) -> None:
    """Make the table from a cache that knows all; print the seconds."""
    from curation import tables
    from curation.images import ingest
    from curation.params import Params

    entries = remember(number, place)
    start = time.perf_counter()
    tables.write_batches(ingest._measure(entries, place, Params(), place), place / "images.parquet", tables.IMAGES)
    print(f"{time.perf_counter() - start:.0f}")


def watch(command: list[str], place: Path) -> tuple[float, float, str]:
    """Run a process: (peak memory in GB, seconds, what it printed)."""
    start = time.perf_counter()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True)
    printed = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_maxrss / 2**20, time.perf_counter() - start, printed


def main() -> None:
    """Measure both stages, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--ingest", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ingest:
        run_ingest(options.count, options.ingest)
        return
    from curation.tables import IMAGES, write_batches

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        command = [sys.executable, str(Path(__file__).resolve()), "--count", str(options.count), "--ingest", folder]
        ingest_gb, _, seconds = watch(command, place)
        (place / "data").mkdir()
        (place / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
        write_batches(frames(options.count), place / "data" / "images.parquet", IMAGES)
        dedupe_gb, spent, summary = watch([sys.executable, "-m", "stages.dedupe"], place)
    cores = len(os.sched_getaffinity(0))
    rows = [
        ["ingest: table from a warm cache", seconds.strip(), f"{ingest_gb:.2f}"],
        ["dedupe: the whole stage", f"{spent:.0f}", f"{dedupe_gb:.2f}"],
    ]
    table = Table(["stage", "seconds", f"peak memory, GB (limit {LIMIT_GB:g})"], rows)
    notes = "\n".join(f"- {line}" for line in summary.splitlines())
    about = f"{cores} of the cores were used. `python benchmarks/million.py`"
    write_page("million", f"{options.count:,} images in memory", about, [table], notes)


if __name__ == "__main__":
    main()
