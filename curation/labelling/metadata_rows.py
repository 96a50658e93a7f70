"""Keep the lines of metadata.csv correct while the files that they name move.

A line moves with its file. So no sheet names a file that is gone, and nothing known of an image (for example that it is
staged) is lost. Every step can be repeated, so that a killed run can be completed.
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
    """A metadata.csv can't be read in the way in which ingest reads it."""


@dataclass(frozen=True)
class Line:
    """A line of a sheet: the path of the sheet relative to the root, the cells by column, and its position.

    A line without a position (`at` below 0) is put at the end.
    """

    sheet: str
    cells: Mapping[str, str]
    at: int = -1


def lines_below(folder: str, root: Path) -> dict[str, Line]:
    """Return every line of every sheet below a folder, by the path of the file that it names (see `key`)."""
    found: dict[str, Line] = {}
    for path in sorted((root / folder).rglob(NAME)):
        sheet = path.relative_to(root)
        for at, cells in enumerate(_Sheet.read(path).rows):
            found[key(f"{sheet.parent.as_posix()}/{_name(cells)}")] = Line(sheet.as_posix(), cells, at)
    return found


def key(path: str) -> str:
    """Return a path in the form in which sheets and files are matched: Unicode NFC; macOS writes names in NFD."""
    return unicodedata.normalize("NFC", path)


def amend(root: Path, *, put: Iterable[Line], take: Iterable[Line]) -> None:
    """Make sure that the lines `put` are in their sheets and the lines `take` are not.

    A sheet is rewritten whole or not at all.
    """
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
        """Read a sheet; a sheet that does not exist has no lines."""
        if not path.exists():
            return cls([FILE], [])
        try:
            data = path.read_bytes()
            reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
            rows = [{column: cell or "" for column, cell in row.items()} for row in reader]
        except (UnicodeDecodeError, csv.Error) as error:
            raise SheetError(f"{path} can't be read ({error}): `dvc repro ingest` says what to fix") from None
        columns = list(reader.fieldnames or [])
        if FILE not in columns or any(None in row for row in rows):
            raise SheetError(f"{path} is not a list of files: `dvc repro ingest` says what to fix")
        encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
        return cls(columns, rows, encoding, "\r\n" if b"\r\n" in data else "\n")

    def take(self, lines: Iterable[Line]) -> bool:
        """Remove lines. Return True when one of them was there."""
        names = {_name(line.cells) for line in lines}
        left = [row for row in self.rows if _name(row) not in names]
        changed = len(left) < len(self.rows)
        self.rows = left
        return changed

    def put(self, lines: Iterable[Line]) -> bool:
        """Add the lines that are missing, at their positions, the first one first. Return True when one was missing."""
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
