"""What is said of the best of many results, held against made results whose truth is known."""

import numpy as np
import pytest
from scipy.stats import norm

from curation.evaluation.uncertainty.best_of import expected_best, in_words, optimism


def test_the_expected_maximum_is_that_of_order_statistics():
    assert expected_best(1) == 0
    assert expected_best(2) == pytest.approx(1 / np.sqrt(np.pi), abs=1e-6)
    drawn = np.random.default_rng(0).normal(size=(20_000, 20)).max(axis=1).mean()
    assert expected_best(20) == pytest.approx(drawn, abs=0.02)


@pytest.mark.parametrize(("count", "size", "shared"), [(20, 200, 0), (20, 1000, 0), (20, 200, 0.8), (400, 200, 0.5)])
def test_the_best_is_not_more_optimistic_than_stated(count, size, shared):
    """Equally good results that err independently, or together on the same hard images."""
    said, true, usual = [], [], 0.88
    for draw in range(80):
        rng = np.random.default_rng([draw, count, size])
        hard, own = rng.normal(size=size), rng.normal(size=(count, size))
        measured = (norm.cdf(np.sqrt(shared) * hard + np.sqrt(1 - shared) * own) < usual).mean(axis=1)
        said.append(optimism(measured.tolist(), size))
        true.append(measured.max() - usual)
    assert np.mean(said) >= np.mean(true) - 0.003
    if not shared:
        assert np.mean(said) <= 1.2 * np.mean(true)


def test_results_that_could_not_have_been_the_best_do_not_count():
    one = optimism([0.9], 200)
    assert one == 0
    assert optimism([0.9, 0.1, 0.2, 0.3], 200) == 0
    assert optimism([0.9, 0.89], 200) > 0
    assert optimism([], 0) == optimism([float("nan")], 10) == 0
    assert optimism([1.0] * 20, 50) > 0
    assert "best of 2 epochs" in in_words([0.9, 0.89], 200, "epochs")
