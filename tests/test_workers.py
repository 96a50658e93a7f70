"""One map for all rooms: in order, whatever the workers; and its progress can be read."""

import io
import os
import sys
import time

import pytest

from curation.engine import workers


@pytest.mark.parametrize("processes", [1, 2])
def test_order_is_kept(processes):
    assert list(workers.run(abs, range(-300, 0), workers=processes, chunk=7)) == list(range(300, 0, -1))


@pytest.mark.parametrize("processes", [1, 2])
def test_exceptions_come_through(processes):
    with pytest.raises(ValueError, match="invalid literal"):
        list(workers.run(int, ["1", "x"], workers=processes))


def test_a_worker_that_dies_is_a_message():
    with pytest.raises(workers.WorkerError, match="fewer workers"):
        list(workers.run(os._exit, [3], workers=2))


def test_input_is_taken_as_it_is_needed():
    taken = []
    source = (taken.append(number) or number for number in range(10_000))
    results = workers.run(abs, source, workers=2, chunk=10)
    assert next(results) == 0
    assert len(taken) < 200
    results.close()


def test_a_thread_takes_no_more_than_it_was_told_and_keeps_the_order():
    taken = []
    passed = workers.ahead((taken.append(number) or number for number in range(100)), 3)
    assert next(passed) == 0
    time.sleep(0.05)
    assert len(taken) == 4
    assert [0, *passed] == list(range(100))


def test_what_a_thread_meets_is_raised_and_its_source_is_closed():
    closed = []

    def numbers(last):
        try:
            yield from range(last)
            raise KeyError("enough")
        finally:
            closed.append(last)

    with pytest.raises(KeyError, match="enough"):
        list(workers.ahead(numbers(5), 2))
    passed = workers.ahead(numbers(50), 2)
    next(passed)
    passed.close()
    assert closed == [5, 50]


def test_workers_are_counted():
    assert workers.count(3) == 3
    assert workers.count(0) >= 1


def test_cores_are_counted_where_there_is_no_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert workers.count(0) == os.cpu_count()


def test_chunks_are_of_one_size_but_the_last():
    assert list(workers.chunks("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]


def test_a_log_gets_plain_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(workers, "LOG_EVERY_SECONDS", -1.0)
    assert list(workers.track(iter("abc"), 3, "ingest")) == ["a", "b", "c"]
    lines = sys.stderr.getvalue().splitlines()
    assert lines[-1].startswith("ingest: 3 of 3 img, ")
    assert all("\r" not in line for line in lines)
