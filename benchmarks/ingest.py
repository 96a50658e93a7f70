"""Ingest beside a plain loop over imagehash, on JPEGs of 1024 x 768, and a re-run.

    python benchmarks/ingest.py [--photographs 2000]

The loop is what the issue names: `imagehash.phash(Image.open(file))`, in one thread. The two take turns, so that what
else runs on the machine falls on both; ingest starts its workers anew each time, and their start counts. The last table
is in benchmarks/results/ingest.md.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from photographs import write_photographs
from tables import Table, write_page

if TYPE_CHECKING:
    import pandas as pd

WORKERS = 2
TURNS = 5


def plain_loop(paths: list[Path]) -> list[int]:
    """Hash files as most scripts do."""
    import imagehash
    from PIL import Image

    hashes = []
    for path in paths:
        with Image.open(path) as image:
            hashes.append(int(str(imagehash.phash(image)), 16))
    return hashes


def once(folder: Path) -> float:
    """Seconds that ingest takes in a process that has started no workers yet; the start of the workers counts."""
    command = [sys.executable, __file__, "--once", str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def compare(folder: Path, paths: list[Path]) -> tuple[Table, str]:
    """Time both in turns, and hold their hashes against each other."""
    from curation.images.image_measures import hashes

    plain, ours, theirs = [], [], []
    part = len(paths) // TURNS
    for turn in range(TURNS):
        start = time.perf_counter()
        theirs += plain_loop(paths[turn * part : (turn + 1) * part])
        plain.append(part / (time.perf_counter() - start))
        ours.append(len(paths) / once(folder))
    frame = read(folder)
    hashed = frame.set_index("path").loc[[path.name for path in paths[: len(theirs)]]]
    bits = np.bitwise_count(hashes(hashed)[:, 0, 0] ^ np.array(theirs, np.uint64))
    ratio = [one / other for one, other in zip(ours, plain, strict=True)]
    size = statistics.mean(path.stat().st_size for path in paths) / 1e3
    agree = f"{(bits <= 2).mean():.2%} of {len(bits):,} images; equal for {(bits == 0).mean():.1%}; most: {bits.max()}."
    about = f"{len(paths):,} photographs of 1024 x 768, {size:.0f} KB on average; {TURNS} turns: median (range)."
    rows = [
        ["`imagehash.phash(Image.open(file))` in a loop", _spread(plain)],
        [f"ingest, {WORKERS} workers: 8 hashes, thumbnail, MD5, light, blur, cache, table", _spread(ours)],
        ["**times as fast**", f"**{_spread(ratio)}**"],
    ]
    notes = f"Hash within 2 bits of imagehash's for {agree}\n{_per_image(paths)}"
    return Table(["", "images/s"], rows, about), notes


def read(folder: Path, cache: Path | None = None) -> "pd.DataFrame":
    """Read a folder into the table IMAGES, as the stage does."""
    from curation.images.ingest import ingest_folder
    from curation.params.loading import parse

    return ingest_folder(folder, parse({"ingest": {"workers": WORKERS}}), cache)


def _per_image(paths: list[Path]) -> str:
    """Processor time for one image, in this process alone: what is left when other work disturbs the clock."""
    from curation.images.image_measures import Settings
    from curation.images.reading import Reader, Request

    reader = Reader(str(paths[0].parent), Settings())
    some = paths[:200]
    start = time.process_time()
    plain_loop(some)
    plain = time.process_time() - start
    start = time.process_time()
    for path in some:
        reader(Request(path.name, ""))
    ours = time.process_time() - start
    times = f"{plain / len(some) * 1e3:.2f} ms in the loop, {ours / len(some) * 1e3:.2f} ms in a worker"
    return f"Processor time of one image: {times}; {WORKERS} workers: {WORKERS * plain / ours:.1f} times as fast."


def rerun(folder: Path, place: Path) -> Table:
    """Time a run after 1% of the images are new, and one where nothing is."""
    paths = sorted(folder.iterdir())
    then = time.time() - 100
    for path in paths:
        os.utime(path, (then, then))
    new = paths[::100]
    rows = []
    for path in new:
        shutil.move(path, place / path.name)
    for name in ("first", "1% new", "nothing new"):
        if name == "1% new":
            for path in new:
                shutil.move(place / path.name, path)
        start = time.perf_counter()
        read(folder, place / "cache")
        rows.append([name, f"{time.perf_counter() - start:.2f}"])
    return Table(["run", "seconds"], rows)


def _spread(values: list[float]) -> str:
    form = "{:,.1f}" if max(values) < 100 else "{:,.0f}"
    middle, low, high = (form.format(value) for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({low} to {high})"


def main() -> None:
    """Measure, print, and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=2000)
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        (options.once.parent / "none").mkdir(exist_ok=True)
        read(options.once.parent / "none")  # the library is imported; no worker has been started
        start = time.perf_counter()
        read(options.once)
        print(time.perf_counter() - start)
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "photographs"
        paths = write_photographs(folder, options.photographs)
        load = os.getloadavg()[0]
        compared, notes = compare(folder, paths)
        again = rerun(folder, Path(place))
    about = f"Load {load:.1f} before it began. `python benchmarks/ingest.py`"
    write_page("ingest", "Ingest", about, [compared, again], notes)


if __name__ == "__main__":
    main()
