"""Confidence that can be taken at its word: on clean labels, on noisy ones, and through a file."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax

from curation.predict.calibration import Calibration, CalibrationError
from curation.predict.thresholds import curve, wilson


def world(count, sharpness, noise, seed=0, classes=10):
    """Logits that are `sharpness` times too sharp, the truth they were drawn with, and labels with noise."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(0, 4.0, (count, classes))
    odds = np.exp(log_softmax(honest, axis=1))
    truth = np.array([rng.choice(classes, p=row / row.sum()) for row in odds])
    wrong = rng.random(count) < noise
    labels = np.where(wrong, (truth + rng.integers(1, classes, count)) % classes, truth)
    return honest * sharpness, truth, labels


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("noise", [0.0, 0.2, 0.4])
def test_stated_precision_is_found_also_with_noisy_labels(sharpness, noise):
    logits, truth, labels = world(8000, sharpness, noise)
    fitted = Calibration.fit(logits[:4000], labels[:4000])
    sure = fitted.probabilities(logits[4000:])
    right = sure.argmax(1) == truth[4000:]
    for threshold in (0.6, 0.8, 0.9):
        above = sure.max(1) >= threshold
        stated = fitted.expected(threshold)
        assert stated.precision == pytest.approx(right[above].mean(), abs=0.03)
        assert stated.low <= stated.precision <= stated.high
        assert stated.coverage == pytest.approx(above.mean(), abs=0.03)
    near = np.abs(sure.max(1) - 0.8) < 0.1
    assert right[near].mean() == pytest.approx(0.8, abs=0.06)


def test_clean_labels_are_not_called_noisy():
    logits, _, labels = world(4000, 2.0, 0.0)
    assert Calibration.fit(logits, labels).label_noise < 0.01


def test_labels_checked_by_hand_anchor_the_noise():
    logits, truth, labels = world(4000, 1.0, 0.3)
    checked = np.arange(4000) < 1000
    fitted = Calibration.fit(logits, np.where(checked, truth, labels), trusted=checked)
    assert fitted.label_noise == pytest.approx(0.3, abs=0.04)
    assert fitted.temperature == pytest.approx(1.0, abs=0.1)


@given(st.integers(0, 300), st.integers(1, 6), st.integers(0, 1000))
@settings(max_examples=25)
def test_probabilities_are_probabilities_with_the_same_argmax(rows, classes, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 5, (rows, classes)).astype(np.float32)
    fitted = Calibration.fit(logits, rng.integers(0, classes, rows), classes=[f"c{index}" for index in range(classes)])
    sure = fitted.probabilities(logits)
    assert sure.shape == (rows, classes)
    assert sure.dtype == np.float32
    assert np.allclose(sure.sum(1), 1, atol=1e-5)
    if rows:
        best = np.take_along_axis(sure, logits.argmax(1)[:, None], 1)[:, 0]
        assert (best >= sure.max(1) - 1e-6).all()


def test_it_survives_a_file_and_the_same_input_gives_the_same_bytes(tmp_path):
    logits, _, labels = world(600, 2.0, 0.1)
    for name in ("a", "b"):
        Calibration.fit(logits, labels).write(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    again = Calibration.read(tmp_path / "a")
    assert again == Calibration.fit(logits, labels)
    assert again.expected(0.9) == Calibration.fit(logits, labels).expected(0.9)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 99}', '{"version": 1, "classes": 3}'])
def test_another_file_is_refused_with_a_message(tmp_path, text):
    (tmp_path / "calibration.json").write_text(text)
    with pytest.raises(CalibrationError, match="dvc repro evaluate"):
        Calibration.read(tmp_path / "calibration.json")


def test_logits_of_another_model_are_refused():
    with pytest.raises(CalibrationError, match="fitted for 3"):
        Calibration(classes=("a", "b", "c")).probabilities(np.zeros((2, 4)))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60), st.floats(0, 1))
def test_the_curve_says_what_counting_says(rows, threshold):
    sure = np.array([one for one, _ in rows])
    right = np.array([one for _, one in rows], dtype=float)
    found = curve(sure, right).expected(threshold)
    above = sure >= threshold if len(rows) else np.zeros(0, bool)
    if not above.any():
        assert np.isnan(found.precision)
        assert found.coverage == 0
    else:
        assert found.precision == pytest.approx(right[above].mean())
        assert found.coverage == pytest.approx(above.mean())
        assert found.low <= found.precision + 1e-9
        assert found.precision <= found.high + 1e-9


def test_the_threshold_for_a_precision_gives_the_most_coverage():
    found = curve(np.linspace(1, 0, 101), np.append(np.ones(50), np.zeros(51)))
    assert found.expected(found.threshold_for(0.9)).precision >= 0.9
    assert found.expected(found.threshold_for(0.9) - 0.011).precision < 0.9
    assert np.isnan(curve(np.ones(20), np.zeros(20)).threshold_for(0.5))


def test_wilson_is_the_textbook_interval():
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(10, 10)[1] == pytest.approx(1.0)
