"""Fixtures of the tests of evaluation."""

import pytest


@pytest.fixture(autouse=True)
def _small_forests(monkeypatch):
    monkeypatch.setattr("curation.evaluation.label_errors.pred_probs.TREES", 12)
