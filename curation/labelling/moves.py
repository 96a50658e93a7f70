"""Move files without losing one: a journal on disk records what will move, and then what has moved.

The idea is the write-ahead log of databases (Mohan et al., 1992). The intent is written and synced before a batch is
renamed, and the outcome after it. A rename is atomic, so each file is in one of the two places at any moment, and after
a kill the disk shows in which. No file is ever overwritten. Between two file systems there is no rename. There the file
is copied under a hidden name, synced and compared, then it gets its new name, and only then the old file is removed. A
line of metadata.csv moves with its file: it is added at the new place before the move and removed at the old place
after it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from curation.engine.mapping import chunks
from curation.errors import CurationError, printable
from curation.files.append_only import append_lines
from curation.files.parsed import parse_json
from curation.labelling.metadata_rows import FILE, Line, amend
from curation.labelling.relocate import finish, relocate
from curation.project.locks import LockedError, hold
from curation.tables.names_as_data import json_text

BATCH = 64
BATCHES = 16  # at most so many where there are more files: each rewrites the sheets that name its files
MANIFEST = "manifest.jsonl"
HOME, AWAY = "home", "away"
GOING, RETURNING = "going", "returning"  # intents; what became of them is seen on the disk


class JournalError(CurationError):
    """Another command is writing the journal, or it names a file outside of the project."""


@dataclass(frozen=True)
class Move:
    """One file: its home path and its away path, relative to the root. `facts` are kept for the readers of the journal.

    The two lines are those of metadata.csv that name the file at home and away.
    """

    home: str
    away: str
    image_id: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    home_line: Line | None = None
    away_line: Line | None = None

    @classmethod
    def read(cls, row: dict[str, Any]) -> "Move":
        """Read one from its line of the journal."""
        lines = {name: Line(**row[name]) for name in ("home_line", "away_line") if row.get(name)}
        return cls(**{**row, **lines})

    def refuse_odd_values(self) -> None:
        """Raise TypeError where a value that was read is of another type."""
        lines = [line for line in (self.home_line, self.away_line) if line is not None]
        if not all(isinstance(one, str) for one in (self.home, self.away, self.image_id)):
            raise TypeError("a path or an image_id is no text")
        if not all(isinstance(line, Line) and isinstance(line.sheet, str) and type(line.at) is int for line in lines):
            raise TypeError("a line of a sheet has no sheet or no place")
        if not all(isinstance(line.cells, dict) and isinstance(line.cells.get(FILE), str) for line in lines):
            raise TypeError("a line of a sheet names no file")

    def line(self, place: str) -> list[Line]:
        """Return the line that names the file at a place, as a list; the list is empty when there is none."""
        found = self.home_line if place == HOME else self.away_line
        return [found] if found else []


class Journal:
    """The journal of one set of moves: append-only JSON lines. The last line about a file says where it is."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.path = folder / MANIFEST
        self.root = root

    def send(self, moves: Sequence[Move]) -> dict[str, str]:
        """Move files away. Return the reason for each file that stayed."""
        return self._carry(moves, GOING, AWAY)

    def bring_back(self) -> dict[str, str]:
        """Move every file that is away back home. Return the reason for each file that could not move."""
        away = [move for move, place in self.places() if place == AWAY]
        away.sort(key=lambda move: move.home_line.at if move.home_line else -1)  # lines then find their old places
        return self._carry(away, RETURNING, HOME)

    def places(self) -> list[tuple[Move, str]]:
        """Return every file of the journal with its place, `home` or `away`. After a kill it looks at the disk."""
        return [(move, self._seen(move, state)) for state, move in self._last()]

    def settle(self) -> None:
        """Record the place of each file that a killed run was moving."""
        left = [(state, move) for state, move in self._last() if state in (GOING, RETURNING)]
        for state, move in left:
            ends = (self.root / move.home, self.root / move.away)
            finish(*(ends if state == GOING else ends[::-1]))
        self._conclude([(self._seen(move, state), move) for state, move in left])

    def _carry(self, moves: Sequence[Move], intent: str, outcome: str) -> dict[str, str]:
        refused: dict[str, str] = {}
        with self._alone():
            self.settle()
            for batch in chunks(moves, max(BATCH, -(-len(moves) // BATCHES))):
                ready = [move for move in batch if self._possible(move, intent, refused)]
                self._write([(intent, move) for move in ready])
                amend(self.root, put=_lines((outcome, move) for move in ready), take=[])
                for move in ready:
                    try:
                        relocate(*self._ends(move, intent))
                    except OSError as error:
                        refused[move.home] = error.strerror or str(error)
                self._conclude([(_other(outcome) if move.home in refused else outcome, move) for move in ready])
        return refused

    def _conclude(self, places: Sequence[tuple[str, Move]]) -> None:
        """Update the sheets for the files, then record the places of the files."""
        amend(self.root, put=_lines(places), take=_lines((_other(place), move) for place, move in places))
        self._write(places)

    def _ends(self, move: Move, intent: str) -> tuple[Path, Path]:
        home, away = self.root / move.home, self.root / move.away
        return (home, away) if intent == GOING else (away, home)

    def _possible(self, move: Move, intent: str, refused: dict[str, str]) -> bool:
        start, end = self._ends(move, intent)
        if not os.path.lexists(start):
            refused[move.home] = f"{start.relative_to(self.root)} does not exist (any more)"
        elif os.path.lexists(end):
            refused[move.home] = f"{end.relative_to(self.root)} exists already, and no file is overwritten"
        return move.home not in refused

    def _seen(self, move: Move, state: str) -> str:
        if state in (HOME, AWAY):
            return state
        home, away = os.path.lexists(self.root / move.home), os.path.lexists(self.root / move.away)
        if home and away:  # a copy across file systems that was not finished: the start still counts
            return HOME if state == GOING else AWAY
        return AWAY if away else HOME

    def _last(self) -> list[tuple[str, Move]]:
        last = {move.home: (state, move) for state, move in self._read()}
        return list(last.values())

    def _read(self) -> Iterator[tuple[str, Move]]:
        lines = self.path.read_bytes().split(b"\n") if self.path.exists() else []
        for number, line in enumerate(lines, 1):
            try:
                row = parse_json(line)
                state, move = row.pop("state"), Move.read(row)
                move.refuse_odd_values()
            except (ValueError, TypeError, KeyError, AttributeError):
                continue  # a line that a killed run left unfinished: nothing moves before its line is synced
            self._check(number, move)
            yield state, move

    def _check(self, number: int, move: Move) -> None:
        """Raise JournalError where a line would move a file from or to a place outside of the project."""
        for name in (move.home, move.away):
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                found = f"{self.path} line {number} names `{printable(name)}`, which is outside of the project"
                raise JournalError(f"{found}. `curate` never writes such a line: delete it")

    def _write(self, rows: Sequence[tuple[str, Move]]) -> None:
        append_lines(self.path, [json_text({"state": state, **asdict(move)}, None) for state, move in rows])

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with hold(self.path.with_suffix(".lock"), wait=False):
                yield
        except LockedError:
            raise JournalError(f"{self.path} is being written by another command: wait until it ends") from None


def _other(place: str) -> str:
    return HOME if place == AWAY else AWAY


def _lines(places: Iterable[tuple[str, Move]]) -> list[Line]:
    return [line for place, move in places for line in move.line(place)]
