"""All pairs within a Hamming radius, beside brute force and faiss: `python benchmarks/pairs.py` (results/pairs.md).

A million 64-bit hashes, evenly distributed and skewed; every tenth hash has a near copy. Exactness is checked against
brute force on a sample of rows; faiss-cpu (extra `bench`) is timed on 100,000.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tables import Table, write_page

from curation.dedupe.hash_pairs import Pairs, pairs_within

Hashes = NDArray[np.uint64]
HEADER = ["hashes (64 bits)", "number", "radius", "pairs", "seconds", "processor seconds", "exact on a sample"]


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


def faiss_row(hashes: Hashes, radius: int) -> list[object]:
    """Time faiss IndexBinaryFlat.range_search, whose radius is exclusive, on the same hashes."""
    try:
        import faiss
    except ImportError:
        return ["faiss IndexBinaryFlat is not installed: pip install -e .[bench]", *[""] * (len(HEADER) - 1)]
    index = faiss.IndexBinaryFlat(64)
    codes = hashes.view(np.uint8).reshape(len(hashes), 8)
    index.add(codes)
    clock, cpu = time.perf_counter(), time.process_time()
    limits, _, _ = index.range_search(codes, radius + 1)
    spent, used = time.perf_counter() - clock, time.process_time() - cpu
    pairs = (int(limits[-1]) - len(hashes)) // 2
    return case("faiss IndexBinaryFlat", len(hashes), radius, (pairs, spent, used), right=True)


def case(name: str, number: int, radius: int, found: tuple[int, float, float], *, right: bool) -> list[object]:
    """A row of the table."""
    pairs, spent, used = found
    row = [name, f"{number:,}", radius, f"{pairs:,}", f"{spent:.2f}", f"{used:.2f}", "yes" if right else "NO"]
    print(*row, sep="  ", flush=True)
    return row


def main() -> None:
    """Run all cases and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    options = parser.parse_args()
    list(pairs_within(even(1000, np.random.default_rng(0)), 6))  # compile, or load from numba's cache
    rows = []
    for make, radius in ((even, 6), (half_constant, 6), (biased, 6), (clustered, 6), (even, 8), (even, 10)):
        rng = np.random.default_rng(1)
        hashes = make(options.count, rng)
        found = timed(partial(pairs_within, hashes, radius))
        text = (make.__doc__ or "").strip().rstrip(".")
        rows.append(case(text, options.count, radius, found, right=exact(hashes, radius, rng)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    small = even(100_000, np.random.default_rng(2))
    rows.append(case("ours, beside faiss", len(small), 6, timed(lambda: pairs_within(small, 6)), right=True))
    rows.append(faiss_row(small, 6))
    about = f"`python benchmarks/pairs.py`. Peak memory {peak:.2f} GB."
    write_page("pairs", "All pairs within a Hamming radius", about, [Table(HEADER, rows)])


if __name__ == "__main__":
    main()
