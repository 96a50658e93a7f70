"""How hashes are cut into blocks of bits, so that all pairs within a radius are found with the least work.

This is the pigeonhole principle of multi-index hashing (Norouzi, Punjani and Fleet 2012). The bits are cut into m
blocks. If two hashes differ in at most r bits, then one of these holds:

- in one of the first r mod m + 1 blocks they differ in at most r div m bits;
- in one of the other blocks they differ in at most r div m - 1 bits.

In real hashes some bits are nearly constant. So the bits are spread over the blocks by how evenly they fall, and the
estimated cost includes how likely two hashes are to share a bucket.
"""

import math
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MAX_WIDTH = 20  # bits of a bucket key: a table of a million buckets
MAX_BLOCKS = 32
MAX_REACH = 3  # bits that may differ inside a block
SAMPLE = 1 << 15

# Nanoseconds, measured on an AMD EPYC: only their ratios matter.
BUCKET_NS, PAIR_NS, SORT_NS = 3.0, 0.45, 45.0


class Block(NamedTuple):
    """One table: the bit positions of its key, and how many of them may differ."""

    positions: NDArray[np.int64]
    reach: int


class Plan(NamedTuple):
    """The blocks to join, and the estimated cost in nanoseconds."""

    blocks: list[Block]
    cost: float


def reaches(blocks: int, radius: int) -> list[int]:
    """Bits that may differ in each block. Blocks that need no search are left out."""
    whole, rest = divmod(radius, blocks)
    return [reach for reach in [whole] * (rest + 1) + [whole - 1] * (blocks - rest - 1) if reach >= 0]


def balance(hashes: NDArray[np.uint64], positions: NDArray[np.int64]) -> NDArray[np.float64]:
    """Probability that two hashes agree on each bit: 0.5 where it falls evenly, 1 where it is constant."""
    sample = hashes[:: max(1, len(hashes) // SAMPLE)]
    ones = np.array([((sample[:, p >> 6] >> np.uint64(p & 63)) & np.uint64(1)).mean() for p in positions])
    return np.asarray(ones**2 + (1 - ones) ** 2)


def make_plan(
    left: NDArray[np.uint64], right: NDArray[np.uint64], positions: NDArray[np.int64], radius: int, same: bool
) -> Plan:
    """The cheapest blocks over `positions` (bit numbers) for hashes that may differ there in `radius` bits."""
    agree = np.maximum(balance(left, positions), balance(right, positions))
    order = np.argsort(agree, kind="stable")
    positions, agree = positions[order], agree[order]
    best = Plan([], brute_cost(len(left), len(right), left.shape[1], same))
    for count in range(max(1, -(-(radius + 1) // (MAX_REACH + 1))), min(len(positions), MAX_BLOCKS) + 1):
        needed = reaches(count, radius)
        for width in range(4, min(MAX_WIDTH, len(positions) // count) + 1):
            cost = _cost(agree, count, width, needed, (len(left), len(right), left.shape[1], same))
            if cost < best.cost:
                best = Plan(_blocks(positions, count, width, needed), cost)
        if count > radius:
            break
    return best


def brute_cost(left: int, right: int, words: int, same: bool) -> float:
    """Estimated nanoseconds of comparing every hash with every other."""
    return PAIR_NS * words * left * right / (2 if same else 1)


def flips(width: int, reach: int) -> NDArray[np.int64]:
    """Every key difference of at most `reach` of `width` bits, 0 first."""
    found = [sum(1 << p for p in chosen) for k in range(reach + 1) for chosen in combinations(range(width), k)]
    return np.array(found, np.int64)


def _cost(
    agree: NDArray[np.float64], count: int, width: int, needed: list[int], sizes: tuple[int, int, int, bool]
) -> float:
    left, right, words, same = sizes
    half = 0.5 if same else 1.0
    buckets = min(1 << width, left)
    total = 0.0
    for k, reach in enumerate(needed):
        probes = sum(math.comb(width, e) for e in range(reach + 1)) * half
        shared = float(np.prod(agree[k::count][:width]))
        total += SORT_NS * (left + right) + probes * (BUCKET_NS * buckets + PAIR_NS * words * left * right * shared)
    return total


def _blocks(positions: NDArray[np.int64], count: int, width: int, needed: list[int]) -> list[Block]:
    return [Block(np.sort(positions[k::count][:width]), reach) for k, reach in enumerate(needed)]
