"""Long work is never silent, and the time left that it states is that of the work as it goes now."""

import os
import pty
import subprocess
import sys
import termios
import time

import pytest

from curation.engine import progress
from curation.engine.progress import Pace, busy, clock, track


@pytest.fixture
def log(monkeypatch, capsys):
    """The lines that were said so far, with a line due every twentieth of a second."""
    monkeypatch.setattr(progress, "LOG_EVERY_SECONDS", 0.05)
    said = []

    def lines():
        said.extend(capsys.readouterr().err.splitlines())
        return said

    return lines


def test_a_log_gets_plain_lines(log):
    slow = (time.sleep(0.04) or letter for letter in "abc")
    assert list(track(slow, 3, "ingest")) == ["a", "b", "c"]
    said = log()
    assert said[-1].startswith("ingest: 3 of 3 img, ")
    assert not [line for line in said if "\r" in line or "\x1b" in line]


def test_the_first_line_waits_for_no_item(log):
    """The work on one item is many times longer than the time between two lines."""
    said = [(time.sleep(0.3), log()[0]) for _ in track(["long"], 1, "cross-train", "model")]
    assert said[0][1].startswith("cross-train: 0 of 1 model, 0.0/s, time left not known yet")


def test_the_first_line_comes_within_five_seconds():
    assert progress.LOG_EVERY_SECONDS < 5


def test_quick_work_says_nothing(log):
    assert list(track(iter("abc"), 3, "ingest")) == ["a", "b", "c"]
    with busy("cluster"):
        pass
    assert log() == []


def test_a_step_without_items_says_how_long_it_takes(log):
    with busy("cluster: HDBSCAN"):
        time.sleep(0.2)
    assert log()[0] == "cluster: HDBSCAN: 0:00 so far"


def test_no_line_comes_after_the_work(log):
    for _ in track(range(3), 9, "ingest"):
        break
    before = len(log())
    time.sleep(0.2)
    assert len(log()) == before


def test_what_a_cache_answered_does_not_shorten_the_time_left(monkeypatch):
    """9,000 of 10,000 items at once, then two a second: the rest takes 500 s, not 5."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    pace = Pace()
    pace.done = 9_000
    said = []
    for _ in range(20):
        now += 4.0
        pace.done += 8
        said.append(pace.left(1_000))
    assert said[-1] == "8:20 left"


def test_times_are_read_as_on_a_clock():
    assert [clock(seconds) for seconds in (7.4, 750, 3723)] == ["0:07", "12:30", "1:02:03"]


def test_a_terminal_sees_the_time_pass_while_one_item_is_worked_on():
    code = "import time\nfrom curation.engine.progress import track\nfor _ in track([1], 1, 'score'): time.sleep(2.5)\n"
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = subprocess.Popen([sys.executable, "-c", code], stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 4096):
            seen += part
    except OSError:  # the other end is closed
        pass
    assert process.wait() == 0
    os.close(ours)
    assert b"score" in seen
    assert b"00:02" in seen
