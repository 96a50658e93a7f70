"""The lines of metadata.csv that belong to files, kept in step as the files move.

A moved file takes its line along, so that no sheet names what is gone and nothing known of an image (that it is staged,
say) is lost on the way. Both ways can be repeated, so that a run that was killed can be completed.
"""

import csv
import io
import os
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from curation.errors import CurationError
from curation.files import whole
from curation.project import Project

NAME = "metadata.csv"
FILE = "file_name"


class SheetError(CurationError):
    """A metadata.csv that can't be read as ingest reads it."""


@dataclass(frozen=True)
class Line:
    """A line of a sheet: the sheet's path relative to the root, its cells by column, and where in the sheet it stood.

    A line without a place (`at` below 0) is put at the end.
    """

    sheet: str
    cells: Mapping[str, str]
    at: int = -1


def lines_below(folder: str, root: Path) -> dict[str, Line]:
    """Every line of every sheet below a folder, by the path (as `key` spells it) of the file that it names."""
    found: dict[str, Line] = {}
    for path in sorted((root / folder).rglob(NAME)):
        sheet = path.relative_to(root)
        for at, cells in enumerate(_Sheet.read(path).rows):
            found[key(f"{sheet.parent.as_posix()}/{_name(cells)}")] = Line(sheet.as_posix(), cells, at)
    return found


def key(path: str) -> str:
    """Spell a path as sheets are matched with files: Unicode form NFC (macOS writes names in NFD)."""
    return unicodedata.normalize("NFC", path)


def amend(root: Path, *, put: Iterable[Line], take: Iterable[Line]) -> None:
    """See that some lines stand in their sheets, and others do not; each sheet is rewritten whole or not at all."""
    wanted: dict[str, tuple[list[Line], list[Line]]] = {}
    for side, lines in enumerate((put, take)):
        for line in lines:
            wanted.setdefault(line.sheet, ([], []))[side].append(line)
    if wanted:
        with Project(root).lock("sheets"):
            for sheet, (more, less) in sorted(wanted.items()):
                found = _Sheet.read(root / sheet)
                if found.take(less) | found.put(more):
                    found.write(root / sheet)


@dataclass
class _Sheet:
    columns: list[str]
    rows: list[dict[str, str]]
    encoding: str = "utf-8"
    newline: str = "\n"

    @classmethod
    def read(cls, path: Path) -> "_Sheet":
        """Read a sheet; one that does not exist has no lines yet."""
        if not path.exists():
            return cls([FILE], [])
        try:
            data = path.read_bytes()
            reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
            rows = [{column: cell or "" for column, cell in row.items()} for row in reader]
        except (UnicodeDecodeError, csv.Error) as error:
            raise SheetError(f"{path} can't be read ({error}): `dvc repro ingest` says what to mend") from None
        columns = list(reader.fieldnames or [])
        if FILE not in columns or any(None in row for row in rows):
            raise SheetError(f"{path} is no list of files: `dvc repro ingest` says what to mend")
        encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
        return cls(columns, rows, encoding, "\r\n" if b"\r\n" in data else "\n")

    def take(self, lines: Iterable[Line]) -> bool:
        """Take lines out; tells whether any was there."""
        names = {_name(line.cells) for line in lines}
        left = [row for row in self.rows if _name(row) not in names]
        changed = len(left) < len(self.rows)
        self.rows = left
        return changed

    def put(self, lines: Iterable[Line]) -> bool:
        """Put in those lines that are not there, at their places, the first one first; tells whether any was not."""
        there = {_name(row) for row in self.rows}
        new = [line for line in lines if _name(line.cells) not in there]
        for line in sorted(new, key=lambda line: line.at):
            self.columns += [column for column in line.cells if column not in self.columns]
            self.rows.insert(line.at if line.at >= 0 else len(self.rows), dict(line.cells))
        return bool(new)

    def write(self, path: Path) -> None:
        """Write the sheet under a hidden name, sync it and rename it."""
        with whole(path) as draft, draft.open("w", encoding=self.encoding, newline="") as file:
            writer = csv.DictWriter(file, self.columns, restval="", lineterminator=self.newline)
            writer.writeheader()
            writer.writerows(self.rows)
            file.flush()
            os.fsync(file.fileno())


def _name(cells: Mapping[str, str]) -> str:
    return key(PurePosixPath(cells[FILE].replace("\\", "/")).as_posix())
