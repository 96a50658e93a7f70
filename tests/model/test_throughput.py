"""The progress of training: the time that is left is right in a simulated run, and a slow batch is no silence."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.model.device import choose
from curation.model.training.throughput import Meter, Plan, TimeLeft

SPEEDS = st.floats(0.5, 5000)


def run(plan, frozen_speed, speed, measuring, batch=32):
    """A run of steady speeds: (epoch, what was estimated, the true time to the end of the phase) after each batch."""
    now, told, phase_ends = 0.0, [], {}
    left = TimeLeft(plan, now)
    for epoch in range(plan.epochs):
        left.start(epoch, now)
        for start in range(0, plan.images, batch):
            count = min(batch, plan.images - start)
            now += count / (frozen_speed if epoch < plan.frozen else speed)
            left.add(count, now)
            told.append((epoch, left.seconds(now), now))
        now += measuring
        left.finish(now)
        phase_ends[epoch < plan.frozen] = now
    return [(epoch, guess, phase_ends[epoch < plan.frozen] - then) for epoch, guess, then in told]


@given(SPEEDS, SPEEDS, st.floats(0, 300), st.integers(0, 4), st.integers(1, 300))
def test_after_one_epoch_the_time_left_of_a_steady_run_is_exact(frozen_speed, speed, measuring, frozen, images):
    plan = Plan(images, 50, 5, frozen)
    for epoch, guess, truth in run(plan, frozen_speed, speed, measuring):
        if epoch:
            assert guess == pytest.approx(truth, rel=1e-6, abs=1e-3)


def test_fast_frozen_epochs_say_nothing_of_those_that_train_every_layer():
    plan = Plan(1000, 200, 10, 2)
    left = TimeLeft(plan, 0.0)
    left.start(0, 0.0)
    left.add(500, 10.0)
    assert left.words(10.0) == "0:38 left until epoch 3, the first to train every layer"
    left.start(2, 50.0)
    assert left.words(60.0) == "time left not known yet"
    left.add(100, 60.0)
    assert left.seconds(60.0) == pytest.approx(7900 / 10 + 8 * 20)


def test_the_estimate_counts_down_within_a_batch_and_never_below_zero():
    left = TimeLeft(Plan(100, 0, 1, 0), 0.0)
    left.start(0, 0.0)
    left.add(50, 50.0)
    assert [left.seconds(now) for now in (50.0, 80.0, 150.0)] == [50.0, 20.0, 0.0]


def test_a_batch_of_many_seconds_is_no_silence(capfd):
    begun = time.monotonic()
    with Meter(Plan(64, 8, 2, 0), choose("cpu")) as meter:
        meter.start(0)
        while "epoch" not in (said := capfd.readouterr().err):
            assert time.monotonic() - begun < 10
            time.sleep(0.1)
        meter.add(64)
        meter.measure()
        meter.end("train loss 0.500")
    assert time.monotonic() - begun < 6
    assert said.startswith("epoch 1/2: 0/64 images, 0.0 img/s, time left not known yet, ")
    assert re.fullmatch(
        r"epoch 1/2: train loss 0\.500, val for 0:00, [\d.]+ img/s, \d:\d\d left, [\d.]+ GiB\n", capfd.readouterr().err
    )


def test_a_quiet_meter_says_nothing(capfd):
    with Meter(Plan(10, 0, 1, 0), choose("cpu"), quiet=True) as meter:
        meter.start(0)
        meter.add(10)
        meter.end("train loss 0.500")
    assert capfd.readouterr().err == ""
