"""The answer to one question of `curate doctor`."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class State(StrEnum):
    """How it stands: `ok`, `note` (works, but could be better), or `broken`."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True)
class Check:
    """One line: what was looked at, how it stands, what was found, and what to do where that is not ok."""

    name: str
    state: State
    found: str
    fix: str = ""


Question = Callable[[Path], Check]


def ok(name: str, found: str) -> Check:
    """All is well."""
    return Check(name, State.OK, found)


def note(name: str, found: str, fix: str) -> Check:
    """It works; it could be better."""
    return Check(name, State.NOTE, found, fix)


def broken(name: str, found: str, fix: str) -> Check:
    """Something will fail until it is mended."""
    return Check(name, State.BROKEN, found, fix)


def run_checks(root: Path, questions: Iterable[Question]) -> Iterator[Check]:
    """Ask every question; one that can't be answered because the disk refuses is itself broken."""
    for question in questions:
        try:
            yield question(root)
        except OSError as error:
            yield broken(question.__name__.replace("_", " "), str(error), "look at that path's owner and permissions")
