"""Confidence that can be taken at its word: on clean labels, on noisy ones, and through a file."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax
from scipy.stats import binomtest

from curation.predict.calibration import Calibration, CalibrationError
from curation.predict.proportions import needed, wilson
from curation.predict.thresholds import FEWEST, Sample, curve


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
def test_stated_precision_is_found_also_with_noisy_labels_when_many_were_checked(sharpness, noise):
    logits, truth, labels = world(8000, sharpness, noise)
    checked = np.arange(4000) < 1000
    given = np.where(checked, truth[:4000], labels[:4000])
    fitted = Calibration.fit(logits[:4000], given, trusted=checked, sample=Sample(counted=~checked))
    sure = fitted.probabilities(logits[4000:])
    right = sure.argmax(1) == truth[4000:]
    for threshold in (0.6, 0.8, 0.9):
        above = sure.max(1) >= threshold
        stated = fitted.expected(threshold)
        assert right[above].mean() - 0.08 <= stated.precision <= right[above].mean() + 0.02  # rather too low
        assert stated.low <= stated.precision
        assert stated.low <= right[above].mean()
        assert stated.coverage == pytest.approx(above.mean(), abs=0.03)
    near = np.abs(sure.max(1) - 0.8) < 0.1
    assert right[near].mean() == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_without_checked_labels_the_stated_precision_is_the_agreement_with_the_labels(noise):
    logits, _, labels = world(8000, 1.0, noise)
    fitted = Calibration.fit(logits[:4000], labels[:4000])
    sure = fitted.probabilities(logits[4000:])
    for threshold in (0.6, 0.9):
        above = sure.max(1) >= threshold
        agrees = (sure.argmax(1) == labels[4000:])[above].mean()
        assert fitted.expected(threshold).precision == pytest.approx(agrees, abs=0.03)


def test_confident_errors_of_the_model_are_not_taken_for_wrong_labels():
    logits, truth, _ = world(6000, 1.0, 0.0)
    wrong = np.random.default_rng(1).random(6000) < 0.05
    logits = np.where(wrong[:, None], np.roll(logits, 1, axis=1), logits)
    fitted = Calibration.fit(logits[:3000], truth[:3000])
    above = fitted.probabilities(logits[3000:]).max(1) >= 0.9
    right = (logits.argmax(1) == truth)[3000:][above].mean()
    assert fitted.expected(0.9).precision == pytest.approx(right, abs=0.015)


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
    right = np.array([one for _, one in rows], dtype=bool)
    found = curve(sure, right).expected(threshold)
    above = sure >= threshold if len(rows) else np.zeros(0, bool)
    if not above.any():
        assert np.isnan(found.precision)
        assert found.coverage == found.images == 0
    else:
        assert found.precision == pytest.approx(right[above].mean())
        assert found.coverage == pytest.approx(above.mean())
        assert found.images == above.sum()
        assert np.isnan(found.low) == (above.sum() < FEWEST)
        if not np.isnan(found.low):
            exact = binomtest(int(right[above].sum()), int(above.sum()), alternative="greater").proportion_ci(0.95)
            assert found.low == pytest.approx(exact.low)


def draw(rng, count, size=1):
    """Honest confidences, and answers; the images of one group have one confidence, and are right or wrong together."""
    sure = np.repeat(1 / (1 + np.exp(-rng.normal(3, 2, count))), size)[:count]
    right = np.repeat(rng.random(count), size)[:count] < sure
    return sure, right, np.repeat(np.arange(count), size)[:count]


@cache
def population():
    return draw(np.random.default_rng(99), 200_000)[0]


def true_precision(threshold):
    sure = population()
    return sure[sure >= threshold].mean()


@pytest.mark.parametrize(("count", "wanted", "size"), [(100, 0.9, 1), (500, 0.95, 1), (1000, 0.95, 4), (300, 0.9, 4)])
def test_a_threshold_has_the_wanted_precision_in_95_of_100_draws(count, wanted, size):
    rng = np.random.default_rng(count)
    found = [curve(*draw(rng, count, size)).threshold_for(wanted) for _ in range(200)]
    short = [true_precision(one) < wanted for one in found if not np.isnan(one)]
    assert sum(short) <= 200 * 0.05 + 2 * np.sqrt(200 * 0.05 * 0.95)
    assert len(short) > 40


@pytest.mark.parametrize("size", [1, 3, 6])
def test_the_lower_bound_holds_in_95_of_100_draws_also_in_groups(size):
    rng = np.random.default_rng(size)
    curves = [curve(*draw(rng, 600, size)) for _ in range(200)]
    for threshold in (0.5, 0.9):
        bounds = np.array([one.expected(threshold).low for one in curves])
        assert np.mean(bounds > true_precision(threshold)) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200), threshold


def test_the_lower_bound_holds_also_where_a_curve_keeps_few_of_its_thresholds():
    rng = np.random.default_rng(0)
    curves = [curve(*draw(rng, 2000)[:2], max_points=50) for _ in range(400)]
    assert all(one.thinned for one in curves)
    bounds = np.array([one.expected(0.5).low for one in curves])
    assert np.mean(bounds > true_precision(0.5)) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 400)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 40)), max_size=120), st.floats(0.5, 0.99))
def test_no_threshold_comes_without_a_reason_and_one_that_comes_was_reached_on_val(rows, wanted):
    sure, right, groups = (np.array(list(column)) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 3
    found = curve(sure, right.astype(bool), groups.astype(int))
    threshold = found.threshold_for(wanted)
    assert np.isnan(threshold) == bool(found.why_not(wanted))
    if not np.isnan(threshold):
        assert found.expected(threshold).precision >= wanted


def test_too_few_val_images_are_refused_with_the_number_that_is_needed():
    assert needed(0.95) == 59
    sure, right = np.linspace(1, 0.5, 200), np.ones(200, bool)
    assert "59 are needed for a precision of 0.95, and there are 58" in curve(sure[:58], right[:58]).why_not(0.95)
    assert curve(sure[:59], right[:59]).threshold_for(0.95) == sure[58]
    assert "there are 200, in groups worth 20" in curve(sure, right, np.arange(200) // 10).why_not(0.95)
    assert "no confidence threshold is shown" in curve(sure, np.arange(200) % 2 == 0).why_not(0.95)


def test_a_class_has_its_own_precision_and_few_images_have_no_bound():
    logits, _, labels = world(900, 1.0, 0.0, classes=3)
    common = np.arange(900) < 890
    fitted = Calibration.fit(np.where(common[:, None], logits - [0, 0, 50], logits - [0, 0, -50]), labels)
    assert [fitted.expected(0, name).images for name in "012"][2] == 10
    assert sum(fitted.expected(0, name).images for name in "012") == 900
    assert np.isnan(fitted.expected(0, "2").low)
    assert 0 < fitted.expected(0.2, "0").low < fitted.expected(0.2, "0").precision
    assert fitted.expected(0.5, "no such class").images == 0


def test_only_counted_images_count_and_groups_count_less():
    logits, _, labels = world(300, 1.0, 0.0)
    fitted = Calibration.fit(logits, labels, sample=Sample(np.arange(300) // 2, np.arange(300) < 120))
    assert fitted.curve.total == 120
    assert max(fitted.curve.sizes) < 120


def test_wilson_is_the_textbook_interval():
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(10, 10)[1] == pytest.approx(1.0)
