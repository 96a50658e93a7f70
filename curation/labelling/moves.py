"""Move files without losing one, and keep a manifest that says of each where it is and where it came from.

The moves, the lines of metadata.csv that name the files, and the manifest are one transaction
(`curation.files.journal`): all of them change, or none does. No file is ever overwritten. A line of metadata.csv moves
with its file: it is added at the new place before the move and removed at the old place after it.
"""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from curation.errors import CurationError, printable
from curation.files.change_plan import Plan
from curation.files.parsed import parse_json
from curation.files.steps import inside
from curation.labelling.metadata_rows import FILE, Line, amended
from curation.tables.names_as_data import json_text

MANIFEST = "manifest.jsonl"
HOME, AWAY = "home", "away"
GOING, RETURNING = "going", "returning"  # of older versions: intents; what became of them is seen on the disk
REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}  # one file stays; any other error ends the whole plan


class ManifestError(CurationError):
    """A manifest names a file outside of the project."""


@dataclass(frozen=True)
class Move:
    """One file: its home path and its away path, relative to the root.

    The readers of the manifest find `facts` there. The two lines are those of metadata.csv that name the file at home
    and away.
    """

    home: str
    away: str
    image_id: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    home_line: Line | None = None
    away_line: Line | None = None

    @classmethod
    def read(cls, row: dict[str, Any]) -> "Move":
        """Read one from its line of the manifest."""
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


class Manifest:
    """The manifest of one set of moves: append-only JSON lines. The last line about a file says where it is."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.path = folder / MANIFEST
        self.root = root

    def send(self, plan: Plan, moves: Sequence[Move]) -> dict[str, str]:
        """Plan to move files away. Return the reason for each file that stays."""
        return self._carry(plan, moves, AWAY)

    def bring_back(self, plan: Plan) -> dict[str, str]:
        """Plan to move every file that is away back home. Return the reason for each file that stays."""
        away = [move for move, place in self.places() if place == AWAY]
        away.sort(key=lambda move: move.home_line.at if move.home_line else -1)  # lines then find their old places
        return self._carry(plan, away, HOME)

    def places(self) -> list[tuple[Move, str]]:
        """Return every file of the manifest with its place, `home` or `away`."""
        last = {move.home: (state, move) for state, move in self._read()}
        return [(move, self._seen(move, state)) for state, move in last.values()]

    def _carry(self, plan: Plan, moves: Sequence[Move], outcome: str) -> dict[str, str]:
        refused: dict[str, str] = {}
        first = len(plan.steps)
        possible = [move for move in moves if self._possible(move, outcome, refused)]
        ready = [move for move in possible if self._planned(plan, move, outcome, refused)]
        lines = {place: [line for move in ready for line in move.line(place)] for place in (HOME, AWAY)}
        for path, data, gets in amended(self.root, put=lines[outcome], take=lines[_other(outcome)]):
            plan.write(path, data)
            if gets:
                plan.steps.insert(first, plan.steps.pop())
        plan.append(self.path, "".join(json_text({"state": outcome, **asdict(move)}, None) + "\n" for move in ready))
        return refused

    def _ends(self, move: Move, outcome: str) -> tuple[Path, Path]:
        home, away = self.root / move.home, self.root / move.away
        return (home, away) if outcome == AWAY else (away, home)

    def _possible(self, move: Move, outcome: str, refused: dict[str, str]) -> bool:
        start, end = self._ends(move, outcome)
        if not os.path.lexists(start):
            refused[move.home] = f"{start.relative_to(self.root)} does not exist (any more)"
        elif os.path.lexists(end):
            refused[move.home] = f"{end.relative_to(self.root)} exists already, and no file is overwritten"
        return move.home not in refused

    def _planned(self, plan: Plan, move: Move, outcome: str, refused: dict[str, str]) -> bool:
        try:
            plan.move(*self._ends(move, outcome))
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            refused[move.home] = error.strerror or str(error)
        return move.home not in refused

    def _seen(self, move: Move, state: str) -> str:
        if state in (HOME, AWAY):
            return state
        home, away = os.path.lexists(self.root / move.home), os.path.lexists(self.root / move.away)
        if home and away:  # a copy across file systems that was not finished: the start still counts
            return HOME if state == GOING else AWAY
        return AWAY if away else HOME

    def _read(self) -> Iterator[tuple[str, Move]]:
        lines = self.path.read_bytes().split(b"\n") if self.path.exists() else []
        for number, line in enumerate(lines, 1):
            try:
                row = parse_json(line)
                state, move = row.pop("state"), Move.read(row)
                move.refuse_odd_values()
            except (ValueError, TypeError, KeyError, AttributeError):
                continue  # a line that a killed run of an older version left unfinished: it moved nothing
            self._check(number, move)
            yield state, move

    def _check(self, number: int, move: Move) -> None:
        """Raise ManifestError where a line would move a file from or to a place outside of the project."""
        for name in (move.home, move.away):
            if not inside(name):
                found = f"{self.path} line {number} names `{printable(name)}`, which is outside of the project"
                raise ManifestError(f"{found}. `curate` never writes such a line: delete it")


def _other(place: str) -> str:
    return HOME if place == AWAY else AWAY
