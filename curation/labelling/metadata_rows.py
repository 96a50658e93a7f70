"""Keep the lines of metadata.csv, .jsonl and .parquet correct while the files that they name move.

A line moves with its file. So no sheet names a file that is gone, and nothing known of an image (for example that it is
staged) is lost.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from curation.images.collection.metadata_files import FORMS
from curation.labelling.metadata_sheets import FILE, Cells, Sheet, key, name_in, read_sheet

NAME = FORMS[0]


@dataclass(frozen=True)
class Line:
    """A line of a sheet: the path of the sheet relative to the root, the cells by column, and its position.

    A line without a position (`at` below 0) is put at the end.
    """

    sheet: str
    cells: Cells
    at: int = -1


def lines_below(folder: str, root: Path) -> dict[str, Line]:
    """Return every line of every sheet below a folder, by the path of the file that it names (see `key`)."""
    found: dict[str, Line] = {}
    for path in sorted(path for form in FORMS for path in (root / folder).rglob(form)):
        sheet = path.relative_to(root)
        for at, cells in enumerate(read_sheet(path).rows):
            found[key(f"{sheet.parent.as_posix()}/{name_in(cells)}")] = Line(sheet.as_posix(), cells, at)
    return found


def amended(root: Path, *, put: Iterable[Line], take: Iterable[Line]) -> Iterator[tuple[Path, bytes, bool]]:
    """Yield each sheet that changes when it gets the lines `put` and loses the lines `take`.

    Yields its path, its new bytes, and whether it gets a line. Nothing is written.
    """
    wanted: dict[str, tuple[list[Line], list[Line]]] = {}
    for side, lines in enumerate((put, take)):
        for line in lines:
            wanted.setdefault(line.sheet, ([], []))[side].append(line)
    for name, (more, less) in sorted(wanted.items()):
        sheet = read_sheet(root / name)
        if _take(sheet, less) | _put(sheet, more):
            yield root / name, sheet.data(root / name), bool(more)


def _take(sheet: Sheet, lines: Iterable[Line]) -> bool:
    """Remove lines. Return True when one of them was there."""
    names = {name_in(line.cells) for line in lines}
    left = [row for row in sheet.rows if name_in(row) not in names]
    changed = len(left) < len(sheet.rows)
    sheet.rows = left
    return changed


def _put(sheet: Sheet, lines: Iterable[Line]) -> bool:
    """Add the lines that are missing, at their positions, the first one first. Return True when one was missing."""
    there = {name_in(row) for row in sheet.rows}
    new = [line for line in lines if name_in(line.cells) not in there]
    for line in sorted(new, key=lambda line: line.at):
        sheet.add(dict(line.cells), line.at)
    return bool(new)


__all__ = ["FILE", "NAME", "Line", "amended", "key", "lines_below"]
