"""All pairs within a Hamming radius, beside brute force and faiss: `python benchmarks/pairs.py` (results/pairs.md).

A million 64-bit hashes, evenly distributed and skewed; every tenth hash has a near copy. Exactness is checked against
brute force on a sample of rows; faiss-cpu (extra `bench`) is timed on 100,000.
"""

import argparse
import datetime
import platform
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.pairs import Pairs, pairs_within

OUT = Path("benchmarks/results/pairs.md")
Hashes = NDArray[np.uint64]


def even(n: int, rng: np.random.Generator) -> Hashes:
    """Evenly distributed hashes; every tenth is another with up to 6 bits flipped."""
    hashes = rng.integers(0, 2**64, (n, 1), dtype=np.uint64)
    copies = n // 10
    noise = np.zeros(copies, np.uint64)
    for _ in range(6):
        noise ^= np.uint64(1) << rng.integers(0, 64, copies).astype(np.uint64)
    hashes[:copies, 0] = hashes[n - copies :, 0] ^ noise
    return hashes


def half_constant(n: int, rng: np.random.Generator) -> Hashes:
    """30% share 32 of their 64 bits."""
    hashes = even(n, rng)
    hashes[: 3 * n // 10] &= np.uint64(0xFFFFFFFF00000000)
    return hashes


def biased(n: int, rng: np.random.Generator) -> Hashes:
    """30% have each bit set with probability 1/4 only."""
    hashes = even(n, rng)
    some = 3 * n // 10
    hashes[:some] &= rng.integers(0, 2**64, (some, 1), dtype=np.uint64)
    return hashes


def clustered(n: int, rng: np.random.Generator) -> Hashes:
    """30% lie around 20,000 centres whose sizes follow a power law, as look-alikes do."""
    hashes = even(n, rng)
    some = 3 * n // 10
    centres = rng.integers(0, 2**64, 20_000, dtype=np.uint64)
    noise = np.zeros(some, np.uint64)
    for _ in range(8):
        noise ^= np.uint64(1) << rng.integers(0, 64, some).astype(np.uint64)
    hashes[:some, 0] = centres[np.minimum(rng.zipf(1.3, some), 20_000) - 1] ^ noise
    return hashes


def exact(hashes: Hashes, radius: int, rng: np.random.Generator, rows: int = 200) -> bool:
    """Compare all pairs of a sample of rows with brute force."""
    sample = np.sort(rng.choice(len(hashes), rows, replace=False))
    chosen = np.zeros(len(hashes), bool)
    chosen[sample] = True
    found = set()
    for batch in pairs_within(hashes, radius):
        for i, j in ((batch.left, batch.right), (batch.right, batch.left)):
            keep = chosen[i]
            found |= set(zip(i[keep].tolist(), j[keep].tolist(), strict=True))
    truth = set()
    for i in sample.tolist():
        near = np.flatnonzero(np.bitwise_count(hashes ^ hashes[i]).sum(axis=1, dtype=np.int64) <= radius)
        truth |= {(i, j) for j in near.tolist() if j != i}
    return found == truth


def timed(make: Callable[[], Iterator[Pairs]]) -> tuple[int, float, float]:
    """Pairs, seconds on the clock, seconds of processor time."""
    clock, cpu = time.perf_counter(), time.process_time()
    pairs = sum(len(batch.left) for batch in make())
    return pairs, time.perf_counter() - clock, time.process_time() - cpu


def faiss_line(hashes: Hashes, radius: int) -> str:
    """Time faiss IndexBinaryFlat.range_search, whose radius is exclusive, on the same hashes."""
    try:
        import faiss
    except ImportError:
        return "| faiss IndexBinaryFlat | not installed: pip install -e .[bench] | | | | | |"
    index = faiss.IndexBinaryFlat(64)
    codes = hashes.view(np.uint8).reshape(len(hashes), 8)
    index.add(codes)
    clock, cpu = time.perf_counter(), time.process_time()
    limits, _, _ = index.range_search(codes, radius + 1)
    spent, used = time.perf_counter() - clock, time.process_time() - cpu
    pairs = (int(limits[-1]) - len(hashes)) // 2
    return f"| faiss IndexBinaryFlat | {len(hashes):,} | {radius} | {pairs:,} | {spent:.2f} | {used:.2f} | yes |"


def main() -> None:
    """Run all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    options = parser.parse_args()
    list(pairs_within(even(1000, np.random.default_rng(0)), 6))  # compile, or load from numba's cache
    lines = []
    for make, radius in ((even, 6), (half_constant, 6), (biased, 6), (clustered, 6), (even, 8), (even, 10)):
        rng = np.random.default_rng(1)
        hashes = make(options.count, rng)
        pairs, spent, used = timed(lambda hashes=hashes, radius=radius: pairs_within(hashes, radius))
        right = "yes" if exact(hashes, radius, rng) else "NO"
        text = (make.__doc__ or "").strip().rstrip(".")
        lines.append(f"| {text} | {options.count:,} | {radius} | {pairs:,} | {spent:.2f} | {used:.2f} | {right} |")
        print(lines[-1], flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    small = even(100_000, np.random.default_rng(2))
    pairs, spent, used = timed(lambda: pairs_within(small, 6))
    lines.append(f"| ours, beside faiss | 100,000 | 6 | {pairs:,} | {spent:.2f} | {used:.2f} | yes |")
    lines.append(faiss_line(small, 6))
    print(lines[-2], lines[-1], sep="\n")
    head = f"{datetime.datetime.now(tz=datetime.UTC).date()}, {platform.processor() or platform.machine()}, 2 cores"
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(
        f"# All pairs within a Hamming radius\n\n`python benchmarks/pairs.py`: {head}. Peak memory {peak:.2f} GB.\n\n"
        "| hashes (64 bits) | number | radius | pairs | seconds | processor seconds | exact on a sample |\n"
        "|---|---|---|---|---|---|---|\n" + "\n".join(lines) + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
