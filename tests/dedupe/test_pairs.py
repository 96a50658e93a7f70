"""All pairs within a radius: exact, each once, in a fixed order, whatever the distribution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.dedupe import hash_pairs as module
from curation.dedupe.hash_pairs import pairs_across, pairs_within


def random_hashes(n, words, seed):
    return np.random.default_rng(seed).integers(0, 2**64, (n, words), dtype=np.uint64)


def with_near_copies(n, words, seed):
    hashes = random_hashes(n, words, seed)
    half = n // 2
    noise = np.bitwise_and.reduce([random_hashes(half, words, seed + k) for k in range(1, 5)], axis=0)
    hashes[:half] = hashes[n - half :] ^ noise
    return hashes


def brute(left, right, radius, same):
    distance = np.bitwise_count(left[:, None] ^ right[None]).sum(-1, dtype=np.int64)
    i, j = np.nonzero(np.triu(distance <= radius, 1) if same else distance <= radius)
    return sorted(zip(i.tolist(), j.tolist(), distance[i, j].tolist(), strict=True))


def listed(batches):
    return [row for batch in batches for row in zip(*(column.tolist() for column in batch), strict=True)]


@pytest.mark.parametrize("words", [1, 2, 3, 4])
@pytest.mark.parametrize("radius", [0, 3, 6, 10, 31])
def test_every_pair_within_the_radius_is_found_once(words, radius):
    for n in (1, 2, 600):
        hashes = with_near_copies(n, words, seed=radius)
        assert sorted(listed(pairs_within(hashes, radius))) == brute(hashes, hashes, radius, same=True)


@pytest.mark.parametrize("radius", [0, 4, 12])
def test_queries_find_exactly_the_rows_within_the_radius(radius):
    queries, hashes = with_near_copies(300, 1, seed=1), with_near_copies(500, 1, seed=1)
    assert sorted(listed(pairs_across(queries, hashes, radius))) == brute(queries, hashes, radius, same=False)


@given(
    st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 15), max_size=60),
    st.integers(0, 20),
    st.integers(1, 8),
)
@settings(max_examples=60, deadline=None)
def test_small_buckets_and_recursion_stay_exact(values, radius, too_many):
    hashes = np.array(values, np.uint64).reshape(-1, 1)
    before = module.TOO_MANY
    module.TOO_MANY = too_many
    try:
        found = listed(pairs_within(hashes, radius))
    finally:
        module.TOO_MANY = before
    assert sorted(found) == brute(hashes, hashes, radius, same=True)


def test_skewed_bits_are_joined_again_and_stay_exact(monkeypatch):
    monkeypatch.setattr(module, "TOO_MANY", 500)
    hashes = random_hashes(4000, 1, seed=5)
    hashes[:3000] &= np.uint64(0xFFFF00000000FFFF)
    hashes[:1500] &= np.uint64(0xFFFFFFFFFFFFFF00)
    assert sorted(listed(pairs_within(hashes, 6))) == brute(hashes, hashes, 6, same=True)


def test_order_does_not_depend_on_the_number_of_threads():
    hashes = with_near_copies(5000, 1, seed=3)
    assert listed(pairs_within(hashes, 8, workers=1)) == listed(pairs_within(hashes, 8, workers=2))


def test_a_thousand_equal_hashes_stream_in_bounded_batches(monkeypatch):
    monkeypatch.setattr(module, "BATCH", 10_000)
    batches = list(pairs_within(np.zeros((1000, 1), np.uint64), 3))
    assert max(len(batch.left) for batch in batches) == 10_000
    assert sum(len(batch.left) for batch in batches) == 1000 * 999 // 2


def test_full_buffers_are_resumed_where_they_stopped():
    few = np.arange(1200, dtype=np.uint64).reshape(-1, 1)
    assert len(listed(pairs_within(few, 11))) == 1200 * 1199 // 2
