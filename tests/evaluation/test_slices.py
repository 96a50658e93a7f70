"""Slices by metadata: each is counted right, none is called worse by chance, and one that is worse is found."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.evaluation.uncertainty.slices import slices


def columns_of(rng, count, number):
    """`number` columns of random values, one of them with the eight values of a camera."""
    columns = {f"c{n}": pd.Series(rng.choice(["x", "y", "z"], count)) for n in range(number - 1)}
    return columns | {"camera": pd.Series(rng.choice(list("abcdefgh"), count))}


@pytest.mark.parametrize("each", [1, 3])
@pytest.mark.parametrize("accuracy", [0.8, 0.97])
def test_of_equal_slices_few_draws_call_one_worse_or_better_and_all_intervals_hold(each, accuracy):
    draws, false, missed = 200, 0, 0
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        groups = np.repeat(np.arange(600 // each), each)
        right = (rng.random(600 // each) < accuracy)[groups]
        columns = {name: one[groups].reset_index(drop=True) for name, one in columns_of(rng, 600 // each, 5).items()}
        found = slices(right, groups, columns)
        assert len(found) == 20
        false += any(one.verdict != "can't tell" for one in found)
        missed += any(not one.interval.low <= accuracy <= one.interval.high for one in found)
    assert false <= 0.08 * draws
    assert missed <= 0.08 * draws


def test_a_slice_that_is_worse_is_found():
    rng = np.random.default_rng(0)
    columns = columns_of(rng, 2000, 5)
    right = rng.random(2000) < np.where(columns["camera"] == "c", 0.6, 0.95)
    verdicts = {(one.column, one.value): one.verdict for one in slices(right, np.arange(2000), columns)}
    assert verdicts.pop(("camera", "c")) == "worse than the others"
    assert "worse than the others" not in verdicts.values()
    others = [verdict for (column, _), verdict in verdicts.items() if column != "camera"]  # other cameras are better
    assert set(others) == {"can't tell"}


@settings(max_examples=40)
@given(
    values=st.lists(st.sampled_from(["", "x", "y", "<b>"]), min_size=1, max_size=120),
    seed=st.integers(0, 99),
)
def test_each_slice_is_counted_as_by_hand_in_any_order_of_rows(values, seed):
    rng = np.random.default_rng(seed)
    right, groups = rng.random(len(values)) < 0.8, rng.integers(50, size=len(values))
    found = slices(right, groups, {"site": pd.Series(values)})
    order = rng.permutation(len(values))
    again = slices(right[order], groups[order], {"site": pd.Series(values)[order].reset_index(drop=True)})
    assert [one[:3] for one in again] == [one[:3] for one in found]
    assert np.allclose([one.interval for one in again], [one.interval for one in found])
    named = {value for value in values if value}
    expected = [value for value in sorted(named) if values.count(value) >= 20] if len(named) > 1 else []
    assert [one.value for one in found] == expected
    for one in found:
        mask = np.array(values) == one.value
        assert one.images == mask.sum()
        assert one.accuracy == pytest.approx(right[mask].mean())
        assert one.difference == pytest.approx(right[mask].mean() - right[~mask].mean())
        assert one.interval.low <= one.accuracy <= one.interval.high
        assert one.difference_interval.low <= one.difference <= one.difference_interval.high


def test_a_column_that_names_images_gives_none():
    many = pd.Series([str(n % 21) for n in range(2100)])
    assert slices(np.ones(2100, bool), np.arange(2100), {"patient": many, "one": pd.Series(["x"] * 2100)}) == []
