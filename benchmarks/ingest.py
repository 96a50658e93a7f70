"""Ingest beside a plain loop over imagehash, on JPEGs of 1024 x 768; a re-run; and memory at a million images.

    python benchmarks/ingest.py [--photographs 1000] [--million]

The loop is what the issue names: `imagehash.phash(Image.open(file))`. The two take turns, so that whatever else runs
on the machine falls on both. The last table is in benchmarks/results/ingest.md.
"""

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
from photographs import write_photographs

RESULTS = Path(__file__).parent / "results" / "ingest.md"
WORKERS = 2
TURNS = 5


def cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def plain_loop(paths: list[Path]) -> list[int]:
    """Hash files as most scripts do."""
    import imagehash
    from PIL import Image

    hashes = []
    for path in paths:
        with Image.open(path) as image:
            hashes.append(int(str(imagehash.phash(image)), 16))
    return hashes


def compare(folder: Path, paths: list[Path]) -> list[str]:
    """Time both in turns, and hold their hashes against each other."""
    from curation.images.ingest import ingest_folder
    from curation.images.measure import hashes
    from curation.params.loading import parse

    params = parse({"ingest": {"workers": WORKERS}})
    plain, ours, theirs = [], [], []
    part = len(paths) // TURNS
    for turn in range(TURNS):
        start = time.perf_counter()
        theirs += plain_loop(paths[turn * part : (turn + 1) * part])
        plain.append(part / (time.perf_counter() - start))
        start = time.perf_counter()
        frame = ingest_folder(folder, params)
        ours.append(len(paths) / (time.perf_counter() - start))
    rows = frame.set_index("path").loc[[path.name for path in paths[: len(theirs)]]]
    bits = np.bitwise_count(hashes(rows)[:, 0, 0] ^ np.array(theirs, np.uint64))
    ratio = [one / other for one, other in zip(ours, plain, strict=True)]
    size = statistics.mean(path.stat().st_size for path in paths) / 1e3
    agree = f"{(bits <= 2).mean():.2%} of {len(bits):,} images; equal for {(bits == 0).mean():.1%}; most: {bits.max()}."
    return [
        f"{len(paths):,} photographs of 1024 x 768, {size:.0f} KB on average; {TURNS} turns, median (least to most).",
        "",
        "| | images/s |",
        "|---|---|",
        f"| `imagehash.phash(Image.open(file))` in a loop | {_spread(plain)} |",
        f"| ingest, {WORKERS} workers: 8 hashes, thumbnail, MD5, light, blur, cache, table | {_spread(ours)} |",
        f"| **times as fast** | **{_spread(ratio)}** |",
        "",
        f"Hash within 2 bits of imagehash's for {agree}",
        _per_image(paths),
    ]


def _per_image(paths: list[Path]) -> str:
    """Processor time for one image, in this process alone: what is left when other work disturbs the clock."""
    from curation.images.measure import Settings
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


def rerun(folder: Path, place: Path) -> list[str]:
    """Time a run after 1% of the images are new, and one where nothing is."""
    from curation.images.ingest import ingest_folder
    from curation.params.loading import parse

    params = parse({"ingest": {"workers": WORKERS}})
    paths = sorted(folder.iterdir())
    then = time.time() - 100
    for path in paths:
        os.utime(path, (then, then))
    new = paths[::100]
    lines = ["| run | seconds |", "|---|---|"]
    for path in new:
        shutil.move(path, place / path.name)
    for name in ("first", "1% new", "nothing new"):
        if name == "1% new":
            for path in new:
                shutil.move(place / path.name, path)
        start = time.perf_counter()
        ingest_folder(folder, params, place / "cache")
        lines.append(f"| {name} | {time.perf_counter() - start:.2f} |")
    return lines


def million(number: int = 1_000_000) -> None:
    """Make the table of a million images whose measures are known, and print this process's peak memory in MB.

    Everything runs as it does in the stage but for the decoding, which happens in workers whose memory does not grow.
    """
    from curation import tables
    from curation.images import ingest
    from curation.images.cache import Cache
    from curation.images.measure import THUMBNAIL_BYTES, Measures, Settings
    from curation.images.reading import Reading
    from curation.images.scan import Found
    from curation.params import Params

    def found() -> Iterator[Found]:
        for row in range(number):
            path = f"data/raw/class {row % 500:03}/sub/photograph-{row:09}.jpg"
            yield Found(path, "raw", "", f"class {row % 500:03}", "sub", "real", 150_000, 10**18 + row, row, "")

    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as place:
        cache = Cache(Path(place), Settings())
        entries = list(found())
        for start in range(0, number, 10_000):
            hashes, thumbnails = random.bytes(64 * 10_000), random.bytes(THUMBNAIL_BYTES * 10_000)
            part = []
            for row, one in enumerate(entries[start : start + 10_000]):
                thumbnail = thumbnails[row * THUMBNAIL_BYTES : (row + 1) * THUMBNAIL_BYTES]
                known = Measures(
                    "JPEG", 1024, 768, "", "", hashes[row * 64 : row * 64 + 64], 0.5, thumbnail, 100.0, 0.5, 0.2
                )
                md5 = f"{one.inode * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"
                part.append((one, Reading(md5, one.size, one.mtime_ns, one.inode, known)))
            cache.add(part)
        cache.close()
        start_time = time.perf_counter()
        frames = ingest._measure(entries, Path(place), Params(), Path(place))
        tables.write_batches(frames, Path(place) / "images.parquet", tables.IMAGES)
        seconds = time.perf_counter() - start_time
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{number:,} images: peak memory {peak:,.0f} MB, table from a warm cache in {seconds:.0f} s")


def _spread(values: list[float]) -> str:
    form = "{:,.1f}" if max(values) < 100 else "{:,.0f}"
    middle, low, high = (form.format(value) for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({low} to {high})"


def main() -> None:
    """Measure, print, and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=1000)
    parser.add_argument("--million", action="store_true", help="also a table of a million images (minutes, 3 GB)")
    parser.add_argument("--only-million", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only_million:
        million()
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "photographs"
        paths = write_photographs(folder, options.photographs)
        load = os.getloadavg()[0]
        lines = [*compare(folder, paths), "", *rerun(folder, Path(place))]
    if options.million:
        command = [sys.executable, __file__, "--only-million"]
        lines += ["", subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()]
    head = f"{date.today()}, {os.cpu_count()} cores, {platform.machine()}, load {load:.1f} before it began."  # noqa: DTZ011
    text = "\n".join(["# Ingest", "", f"{head} `python benchmarks/ingest.py`", "", *lines])
    print(text)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
