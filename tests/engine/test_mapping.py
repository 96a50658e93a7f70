"""The one map keeps the order, whatever the workers, and takes its input as it is needed."""

import os
import signal

import pytest
from factories.processes import left_after

from curation.engine import mapping
from curation.engine.processes import WorkerError, count


@pytest.mark.parametrize("processes", [1, 2])
def test_order_is_kept(processes):
    assert list(mapping.run(abs, range(-300, 0), workers=processes, chunk=7)) == list(range(300, 0, -1))


@pytest.mark.parametrize("processes", [1, 2])
def test_exceptions_come_through(processes):
    with pytest.raises(ValueError, match="invalid literal"):
        list(mapping.run(int, ["1", "x"], workers=processes))


def test_a_worker_that_dies_is_a_message():
    with pytest.raises(WorkerError, match="fewer workers"):
        list(mapping.run(os._exit, [3], workers=2))


def test_input_is_taken_as_it_is_needed():
    taken = []
    source = (taken.append(number) or number for number in range(10_000))
    results = mapping.run(abs, source, workers=2, chunk=10)
    assert next(results) == 0
    assert len(taken) < 200
    results.close()


def test_workers_are_counted():
    assert count(3) == 3
    assert count(0) >= 1


def test_cores_are_counted_where_there_is_no_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert count(0) == os.cpu_count()


def test_chunks_are_of_one_size_but_the_last():
    assert list(mapping.chunks("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_running_after_ctrl_c_or_a_kill(end):
    code = (
        "from curation.engine import mapping\n"
        "import signal, time\n"
        "if __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    for result in mapping.run(time.sleep, [0.0, *[0.3] * 1000], workers=2, chunk=1):\n"
        "        print(result, flush=True)\n"
    )
    assert left_after(code, end, "None") == []
