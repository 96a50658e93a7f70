import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from curation.evaluation import metrics
from curation.evaluation.comparison.paired import Against, against, by_class
from curation.evaluation.uncertainty import bootstrap, intervals
from curation.evaluation.uncertainty.auc_interval import influence

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


@settings(max_examples=60)
@given(pairs)
def test_precision_recall_f1_and_accuracy_equal_scikit_learns(rows):
    labels, predicted = (np.array(column) for column in zip(*rows, strict=True))
    matrix = metrics.confusion(labels, predicted, 5)
    assert (matrix == sk.confusion_matrix(labels, predicted, labels=range(5))).all()
    detail = metrics.per_class(matrix)
    ours = [detail.macro(name) for name in ("precision", "recall", "f1")]
    theirs = sk.precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0)[:3]
    assert ours == pytest.approx(theirs)
    each = sk.precision_recall_fscore_support(labels, predicted, labels=range(5), zero_division=0)
    for mine, other in zip((detail.precision, detail.recall, detail.f1, detail.support), each, strict=True):
        assert mine == pytest.approx(other)
    assert metrics.accuracy(matrix) == pytest.approx(sk.accuracy_score(labels, predicted))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans()), min_size=2, max_size=50))
def test_roc_auc_equals_scikit_learns_with_ties(rows):
    scores, positive = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if positive.all() or not positive.any():
        assert np.isnan(influence(scores, positive)[0])
    else:
        assert influence(scores, positive)[0] == pytest.approx(sk.roc_auc_score(positive, scores))


def test_ece_of_the_published_worked_example():
    # M. Pavlovic, "Expected Calibration Error (ECE): a step-by-step visual explanation": 9 samples, 5 bins, 0.10444.
    confidence = np.array([0.78, 0.64, 0.92, 0.58, 0.51, 0.85, 0.70, 0.63, 0.83])
    correct = np.array([1, 1, 0, 1, 0, 1, 1, 0, 1], bool)
    assert metrics.calibration_error(confidence, correct, bins=5) == pytest.approx(0.10444, abs=1e-5)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below_and_zero_to_the_first():
    table = metrics.reliability(np.array([0.0, 0.2, 0.4, 1.0]), np.ones(4, bool), bins=5)
    assert table.count.tolist() == [2, 1, 0, 0, 1]


def test_mcnemar_of_the_published_worked_example():
    # Wikipedia, "McNemar's test": discordant counts 6 and 16, exact p 0.053.
    assert Against(100, better=16, worse=6, both_right=50, both_wrong=28).p_value == pytest.approx(0.0525, abs=5e-4)


def test_the_interval_of_newcombes_own_example():
    # Newcombe 1998, Statistics in Medicine 17:2635, table II: 36, 12, 2, 0 gives 0.0569 to 0.3404 by method 10.
    low, high = Against(50, better=12, worse=2, both_right=36, both_wrong=0).interval
    assert (low, high) == (pytest.approx(0.0569, abs=1e-4), pytest.approx(0.3404, abs=1e-4))


def test_nothing_changed_is_no_evidence():
    same = np.array([True, False, True])
    result = against(same, same)
    assert (result.better, result.worse, result.p_value, result.difference) == (0, 0, 1.0, 0.0)


def test_by_class_puts_the_worst_change_first():
    import pandas as pd

    labels = pd.Series(["cat"] * 4 + ["dog"] * 4)
    table = by_class(labels, np.array([1, 1, 0, 0, 1, 1, 1, 1], bool), np.array([1, 1, 1, 1, 1, 1, 0, 0], bool))
    assert table["class"].tolist() == ["cat", "dog"]
    assert table["difference"].tolist() == [-0.5, 0.5]


def test_bootstrap_intervals_hold_the_binomial_spread():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=500)
    predicted = np.where(rng.random(500) < 0.8, labels, (labels + 1) % 3)
    matrix = metrics.confusion(labels, predicted, 3)
    answers = {"recall": bootstrap.macro_recalls}
    found = bootstrap.matrix_intervals((labels, predicted), np.arange(500), 3, answers, (2000, 1))["recall"]
    rate = metrics.per_class(matrix).macro("recall")
    reach = 1.96 * np.sqrt(rate * (1 - rate) / 500)
    assert found.low == pytest.approx(rate - reach, abs=0.006)
    assert found.high == pytest.approx(rate + reach, abs=0.006)


def test_bootstrapped_macro_f1_of_the_matrix_itself_equals_the_metric():
    matrix = np.array([[5, 1, 0], [2, 3, 0], [0, 0, 0]])
    assert bootstrap.macro_f1s(matrix[None])[0] == pytest.approx(metrics.per_class(matrix).macro("f1"))


@pytest.mark.parametrize("count", [50, 30_000])
def test_the_interval_of_a_mean_is_right_for_few_and_for_many(count):
    values = np.random.default_rng(0).exponential(size=count).astype(np.float32)
    found = intervals.mean(values, np.arange(count), 500, seed=0)
    reach = 2.11 * values.std() / np.sqrt(count)  # 96.5 %: see CALIBRATED
    assert found.high - found.low == pytest.approx(2 * reach, rel=0.3)
    assert found.low < values.mean() < found.high
