"""A thread that reads ahead keeps the order, the errors and the end of what it reads."""

import time

import pytest

from curation.engine.read_ahead import ahead, in_threads


def test_a_thread_takes_no_more_than_it_was_told_and_keeps_the_order():
    taken = []
    passed = ahead((taken.append(number) or number for number in range(100)), 3)
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
        list(ahead(numbers(5), 2))
    passed = ahead(numbers(50), 2)
    next(passed)
    passed.close()
    assert closed == [5, 50]


def test_threads_keep_the_order_raise_what_they_meet_and_end_with_their_reader():
    begun = []

    def slow_if_even(number):
        begun.append(number)
        time.sleep(0.01 * (number % 2 == 0))
        return 10 // (number - 30)

    results = in_threads(slow_if_even, range(60), 4)
    assert [next(results) for _ in range(5)] == [10 // (number - 30) for number in range(5)]
    results.close()
    assert len(begun) <= 10
    with pytest.raises(ZeroDivisionError):
        list(in_threads(slow_if_even, range(60), 4))
