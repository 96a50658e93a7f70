"""The parts of the error: an interval for each difference, and none named by chance among many sets."""

from dataclasses import replace

import numpy as np
import pytest

from curation.evaluation.error_breakdown import breakdown, named
from curation.evaluation.prediction_facts import Facts


def facts_of(right: np.ndarray, groups: np.ndarray | None = None) -> Facts:
    """Facts of images of one class that are right or not."""
    count = len(right)
    zeros, flags, reals = np.zeros(count, np.int32), np.zeros(count, bool), np.zeros(count, np.float32)
    names = {"class": ["a", "b"], "split": [], "benchmark_set": [], "subclass": []}
    texts = (zeros, zeros, zeros, zeros, np.where(right, 0, 1).astype(np.int32), zeros)
    return Facts(
        names, *texts, flags, flags, reals, reals, reals, flags, np.arange(count) if groups is None else groups
    )


def sets_of(sizes: dict[str, int]) -> dict[str, np.ndarray]:
    """One set after the other, as masks."""
    owner = np.repeat(np.arange(len(sizes)), list(sizes.values()))
    return {name: owner == number for number, name in enumerate(sizes)}


def test_differences_of_twenty_equal_sets_are_named_in_few_draws_and_a_true_one_is():
    sizes = {"train": 1500, "val": 300, "test": 300, **{f"benchmark/s{number}": 100 for number in range(20)}}
    sets, draws, false, found = sets_of(sizes), 100, 0, 0
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        right = rng.random(sum(sizes.values())) < 0.9
        told = list(named(breakdown(facts_of(right), sets, {}, 0.1)))
        assert len(told) == 23
        false += any(sure for *_, sure in told)
        shifted = right & ~(sets["benchmark/s3"] & (rng.random(len(right)) < 0.4))
        found += {name: sure for name, *_, sure in named(breakdown(facts_of(shifted), sets, {}, 0.1))}["shift/s3"]
    assert false <= 0.07 * draws
    assert found >= 0.9 * draws


def test_images_in_groups_tell_less_and_values_are_those_of_the_rates():
    sets = sets_of({"train": 300, "val": 300})
    right = np.repeat(np.random.default_rng(0).random(200) < np.repeat([0.95, 0.8], 100), 3)
    one, three = (breakdown(facts_of(right, groups), sets, {}, 0.02) for groups in (None, np.arange(600) // 3))
    assert one["variance"] == pytest.approx(right[:300].mean() - right[300:].mean())
    assert one["bias"] == pytest.approx(1 - right[:300].mean() - 0.02)
    assert three["variance_high"] - three["variance_low"] > 1.4 * (one["variance_high"] - one["variance_low"])


def test_what_is_not_there_is_no_part_and_a_table_without_intervals_names_nothing():
    facts = facts_of(np.ones(10, bool))
    assert breakdown(facts, {"test": np.ones(10, bool)}, {}, 0.0) == {"label_noise": 0.0}
    nothing = replace(facts, label=np.full(10, -1, np.int32))
    assert breakdown(nothing, {"train": np.ones(10, bool)}, {}, 0.0) == {"label_noise": 0.0}
    assert not list(named({"label_noise": 0.02, "bias": 0.01, "shift": {"frozen": 0.05}}))
