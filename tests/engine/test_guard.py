"""What one item does to its process is the loss of that item alone, and nothing is left running.

The work is Python's own `eval`, so that each item says what it does to its worker.
"""

import signal
from pathlib import Path

import pytest
from factories.processes import left_after

from curation.engine.guard import Bounds, Failure, run_guarded

HANG = "__import__('time').sleep(600)"
SPIN = "[0 for _ in iter(int, 1)]"
CRASH = "__import__('os').kill(__import__('os').getpid(), 11)"
LEAVE = "__import__('os')._exit(3)"
BALLOON = "len(bytearray(10**11))"
QUICK = Bounds(timeout=1.0, memory=500)


def kinds(results):
    return [result.kind if isinstance(result, Failure) else result for result in results]


@pytest.mark.parametrize("processes", [1, 2])
def test_hangs_crashes_and_balloons_cost_one_item_each(processes):
    items = ["1", HANG, "2", CRASH, LEAVE, "3", BALLOON, SPIN, "4"]
    results = list(run_guarded(eval, items, processes=processes, bounds=QUICK, chunk=3))
    assert kinds(results) == [1, "timeout", 2, "crash", "crash", 3, "memory", "timeout", 4]
    assert "1 seconds" in results[1].reason
    assert "SIGSEGV" in results[3].reason
    assert "500 MB" in results[6].reason


def test_order_is_kept_whatever_takes_longer():
    items = [f"__import__('time').sleep({0.002 * (number % 7)}) or {number}" for number in range(200)]
    assert list(run_guarded(eval, items, processes=2, chunk=4)) == list(range(200))


def test_nothing_to_do_starts_nothing():
    assert list(run_guarded(eval, [])) == []


def test_a_crash_is_not_blamed_on_the_next_item():
    """An item that dies of what another left behind is tried again in a fresh process, and lives."""
    spoil = "setattr(__import__('builtins'), 'spoilt', True)"
    fragile = "__import__('os')._exit(9) if hasattr(__import__('builtins'), 'spoilt') else 'alive'"
    results = list(run_guarded(eval, [spoil, fragile, "5"], processes=1, chunk=3))
    assert results == [None, "alive", 5]


def test_exceptions_are_raised_here():
    with pytest.raises(ZeroDivisionError):
        list(run_guarded(eval, ["1", "1 / 0"], processes=1))


def test_leaving_early_ends_the_workers():
    results = run_guarded(eval, ["__import__('os').getpid()", HANG, HANG, HANG], processes=1)
    pid = next(results)
    results.close()
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_running_after_ctrl_c_or_a_kill(end):
    code = (
        "from curation.engine.guard import *\n"
        "if __name__ == '__main__':\n"
        f"    items = ['1', {HANG!r}, {HANG!r}]\n"
        "    for result in run_guarded(eval, items, processes=2, bounds=Bounds(2.0), chunk=1):\n"
        "        print(result, flush=True)\n"
    )
    assert left_after(code, end, "1") == []
