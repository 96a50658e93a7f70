import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from curation.evaluation.comparison.paired import against
from curation.evaluation.metrics import calibration_error
from curation.evaluation.uncertainty import auc_interval, bootstrap, intervals, sign_flip
from curation.evaluation.uncertainty.calibration_interval import calibration_interval
from curation.evaluation.uncertainty.several_tests import holm
from curation.predict.proportions import effective_size, wilson

changes = st.lists(st.tuples(st.integers(-1, 1), st.integers(0, 4)), min_size=1, max_size=14)


def of_groups(count, size):
    return np.repeat(np.arange(-(-count // size)), size)[:count]


@settings(max_examples=40, deadline=None)
@given(changes)
def test_the_sign_flip_test_counts_every_choice_of_signs(rows):
    change, groups = (np.array(column) for column in zip(*rows, strict=True))
    sums = np.array([change[groups == group].sum() for group in np.unique(groups)])
    every = [float((sums * signs).sum()) for signs in itertools.product((-1, 1), repeat=len(sums))]
    assert sign_flip.worse(change.astype(float), groups) == pytest.approx(np.mean(np.array(every) <= change.sum()))


@settings(max_examples=40)
@given(st.integers(0, 40), st.integers(0, 40))
def test_separate_images_get_the_exact_test_of_mcnemar(better, worse):
    change = np.array([1.0] * better + [-1.0] * worse + [0.0] * 5)
    wanted = binomtest(better, better + worse, 0.5).pvalue if better + worse else 1.0
    assert sign_flip.two_sided(change, np.arange(len(change))) == pytest.approx(wanted)


def test_many_changes_have_about_the_p_of_the_exact_count(monkeypatch):
    change = np.array([1.0] * 250 + [-1.0] * 300)
    exact = sign_flip.worse(change, np.arange(550))
    monkeypatch.setattr(sign_flip, "MOST_EXACT", 100)
    assert sign_flip.worse(change, np.arange(550)) == pytest.approx(exact, abs=0.003)


def test_copies_in_a_group_add_nothing_to_what_one_of_them_tells():
    rng = np.random.default_rng(0)
    new, old = rng.random(80) < 0.9, rng.random(80) < 0.8
    one = against(new, old, np.arange(80))
    four = against(np.repeat(new, 4), np.repeat(old, 4), np.repeat(np.arange(80), 4))
    assert four.p_value == pytest.approx(one.p_value)
    assert four.interval == pytest.approx(one.interval, abs=0.01)
    assert four.worth == pytest.approx(80, rel=0.05)


@pytest.mark.parametrize("right", [0, 25])
def test_a_share_of_none_or_all_has_an_interval_of_wilson(right):
    found = intervals.share(np.arange(25) < right, np.arange(25))
    assert found == pytest.approx(wilson(right, 25), abs=1e-9)
    assert found.high - found.low > 0.1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_an_interval_lies_within_0_and_1_and_holds_the_share(rows):
    right, groups = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    low, high = intervals.share(right, groups)
    assert 0 <= low <= right.mean() + 1e-12
    assert right.mean() - 1e-12 <= high <= 1
    assert (
        len(set(groups)) - 1e-6 <= effective_size(right.astype(float), groups) <= len(rows) + 1e-6
        or len(set(np.bincount(groups)[np.bincount(groups) > 0])) > 1
    )


@pytest.mark.parametrize("size", [1, 3, 6])
@pytest.mark.parametrize("rate", [0.8, 0.95])
def test_the_interval_of_a_share_holds_it_as_often_as_it_says(size, rate):
    rng, groups, hits = np.random.default_rng(size), of_groups(300, size), 0
    for _ in range(400):
        truth = rng.uniform(rate - 0.02, rate + 0.02)
        shared, own = rng.random(groups.max() + 1)[groups], rng.random(300)
        low, high = intervals.share(np.where(rng.random(300) < 0.7, shared, own) < truth, groups)
        hits += low <= truth <= high
    assert 0.93 <= hits / 400 <= 0.985


def test_the_interval_of_a_mean_follows_the_order_of_nothing():
    rng = np.random.default_rng(3)
    values, groups = rng.exponential(size=90), of_groups(90, 3)
    order = rng.permutation(30)
    moved = np.concatenate([np.flatnonzero(groups == group) for group in order])
    one = intervals.mean(values, groups, 300, seed=1)
    assert intervals.mean(values[moved], groups[moved], 300, seed=1) == pytest.approx(one)
    assert np.isnan(intervals.mean(values[:9], np.arange(9), 300, seed=1).low)


def test_kinds_of_groups_are_their_images_cell_by_cell():
    cells, groups = np.array([4, 4, 7, 4, 4, 7, 9]), np.array([0, 0, 1, 2, 2, 3, 3])
    table, filled, counts = bootstrap.kinds_of(cells, groups)
    found = sorted((tuple(row), int(many)) for row, many in zip(table.toarray().tolist(), counts, strict=True))
    assert filled.tolist() == [4, 7, 9]
    assert found == [((0, 1, 0), 1), ((0, 1, 1), 1), ((2, 0, 0), 2)]


def test_a_macro_score_of_too_few_groups_has_no_interval():
    labels = np.repeat([0, 1], 30)
    found = bootstrap.matrix_intervals((labels, labels), of_groups(60, 6), 2, bootstrap.MACRO, (100, 0))
    assert all(np.isnan(one.low) for one in found.values())
    alone = bootstrap.matrix_intervals((labels, labels), np.arange(60), 2, bootstrap.MACRO, (100, 0))
    assert alone["f1"].high == 1
    assert 0.9 < alone["f1"].low < 0.95


def test_holm_corrects_the_smallest_most_and_keeps_the_order():
    assert holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])
    assert len(holm(np.zeros(0))) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(40, 300))
def test_intervals_of_auc_and_calibration_hold_what_was_measured_and_do_not_depend_on_the_order(seed, size, count):
    rng = np.random.default_rng(seed)
    sure, groups = rng.beta(4, 1, count), of_groups(count, size)
    right = rng.random(count) < sure
    mixed = rng.permutation(count)
    if right.all() or not right.any():
        return
    area, shares = auc_interval.influence(sure, right)
    found = auc_interval.interval(area, shares, groups)
    assert found.low <= area <= found.high
    again = auc_interval.influence(sure[mixed], right[mixed])[1]
    assert auc_interval.interval(area, again, groups[mixed]) == pytest.approx(found)
    error = calibration_error(sure, right)
    reach = calibration_interval(sure, right, groups, 0)
    assert 0 <= reach.low <= reach.high <= 1
    assert reach.low <= error
    assert calibration_interval(sure[mixed], right[mixed], groups[mixed], 0) == pytest.approx(reach, abs=1e-6)


@pytest.mark.parametrize(("size", "over"), [(1, 0.0), (1, 0.1), (4, 0.0), (4, 0.1)])
def test_the_interval_of_a_calibration_error_holds_the_truth_also_at_none(size, over):
    held = 0
    for draw in range(60):
        rng = np.random.default_rng([draw, size])
        groups = of_groups(400, size)
        sure = rng.beta(4, 1, groups.max() + 1)[groups]
        right = rng.random(groups.max() + 1)[groups] < sure * (1 - over)
        low, high = calibration_interval(sure, right, groups, draw)
        held += low <= over * 0.8 <= high
    assert held >= 53


def test_copies_of_images_in_one_group_tell_nothing_new_of_an_auc():
    rng = np.random.default_rng(0)
    scores, positive = rng.normal(size=60), rng.random(60) < 0.4
    once = auc_interval.interval(*auc_interval.influence(scores, positive), np.arange(60))
    four = auc_interval.influence(np.repeat(scores, 4), np.repeat(positive, 4))
    assert auc_interval.interval(*four, np.repeat(np.arange(60), 4)) == pytest.approx(once)
