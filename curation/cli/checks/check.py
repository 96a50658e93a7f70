"""The result of one check of `curate doctor`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class State(StrEnum):
    """The state of a check: `ok`, `note` (it works but could be better), or `broken`."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True)
class Check:
    """The result of one check: its name, its state, what was found, and the fix when it is not ok."""

    name: str
    state: State
    found: str
    fix: str = ""


Question = Callable[[Path], Check]


def ok(name: str, found: str) -> Check:
    """Return the result of a check that found no problem."""
    return Check(name, State.OK, found)


def note(name: str, found: str, fix: str) -> Check:
    """Return the result of a check that works but could be better."""
    return Check(name, State.NOTE, found, fix)


def broken(name: str, found: str, fix: str) -> Check:
    """Return the result of a check that found something that will fail until it is fixed."""
    return Check(name, State.BROKEN, found, fix)


def run_checks(root: Path, questions: Iterable[Question]) -> Iterator[Check]:
    """Run every check. A check that the disk does not let finish is broken."""
    for question in questions:
        try:
            yield question(root)
        except OSError as error:
            yield broken(question.__name__.replace("_", " "), str(error), "look at that path's owner and permissions")
