"""The campaigns in short. Each runs for as long as wanted with run.py, and finds the same faults from the same seed."""

import pytest

from campaigns import fuzz, kills
from campaigns.parsers import PARSERS


@pytest.mark.slow
def test_whatever_a_file_holds_it_is_read_or_refused_with_one_message():
    found = fuzz.read_guarded([fuzz.Batch(name, 0, 0, parser.batch) for name, parser in PARSERS.items()])
    faults = [(fault.parser, fault.number, fault.words) for one in found.values() for fault in one.faults]
    assert faults == []
    assert {name: one.count for name, one in found.items()} == {name: one.batch for name, one in PARSERS.items()}
    assert all(one.accepted for one in found.values()), "a reader whose inputs are all bad is hardly tried"


def test_the_same_seed_makes_the_same_inputs():
    for name in PARSERS:
        made = [fuzz.make(name, 3, number) for number in range(3)]
        assert [fuzz.make(name, 3, number) for number in range(3)] == made
        assert [fuzz.make(name, 4, number) for number in range(3)] != made


@pytest.mark.pipeline
def test_a_round_whose_commands_are_killed_ends_with_the_bytes_of_a_quiet_one():
    told = kills.campaign(3, 0)
    assert told.kills.total() >= 3
    assert told.faults == []
