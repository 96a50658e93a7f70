"""metadata.csv: what is known of an image beyond the folder it lies in.

The file name and the column `file_name` are those of Hugging Face's ImageFolder. It may lie in any folder of the
collection and names files below itself; its `label`, `subclass` and `origin` override what the folders say, and an
empty cell overrides nothing.
"""

import csv
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from curation.errors import CurationError
from curation.tables.class_names import LabelError, canonical

NAME = "metadata.csv"
COLUMNS = ("label", "subclass", "origin")
ORIGINS = ("real", "staged", "synthetic")
SHOWN = 5


class MetadataError(CurationError):
    """A metadata.csv that can't be followed; the message names the file, the line and what to write."""


def read_metadata(path: Path, files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Read one metadata.csv: each named file, as `files` spells it, with the cells that override.

    `files` maps the path of each file below the CSV's folder (posix, Unicode form NFC) to its path as it is spelt.
    """
    found: dict[str, dict[str, str]] = {}
    missing: list[str] = []
    for line, row in _rows(path):
        name = _inside(row.get("file_name") or "", f"{path}, line {line}")
        spelt = files.get(unicodedata.normalize("NFC", name))
        if spelt is None:
            missing.append(f"{name} (line {line})")
        elif spelt in found:
            raise MetadataError(f"{path}, line {line}: {name} is named a second time; keep one of the lines")
        else:
            found[spelt] = _cells(row, f"{path}, line {line}")
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise MetadataError(
            f"{path} names files that are not there: {', '.join(missing[:SHOWN])}{more}. "
            f"`file_name` is taken from the folder {path.parent}; mend the name or delete the line."
        )
    return found


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            _check_header(path, list(reader.fieldnames or []))
            for row in reader:
                if None in row or None in row.values():
                    raise MetadataError(f"{path}, line {reader.line_num}: it has not as many cells as the first line")
                yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise MetadataError(f"{path} is not UTF-8 (byte {error.start}): save it as CSV UTF-8") from None
    except csv.Error as error:
        raise MetadataError(f"{path} is no valid CSV: {error}") from None


def _check_header(path: Path, columns: list[str]) -> None:
    known = ("file_name", *COLUMNS)
    unknown = [name for name in columns if name not in known]
    if unknown or "file_name" not in columns or len(set(columns)) < len(columns):
        raise MetadataError(
            f"{path}: its first line is {', '.join(columns) or 'empty'}; expected file_name and any of "
            f"{', '.join(COLUMNS)}, each once. Rename or delete: {', '.join(unknown) or 'see there'}."
        )


def _inside(name: str, where: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    windows_drive = len(name) > 1 and name[1] == ":"
    if not name or path.is_absolute() or ".." in path.parts or windows_drive:
        raise MetadataError(f"{where}: file_name {name!r} leaves its folder: write a path below it, without ..")
    return path.as_posix()


def _cells(row: dict[str, str], where: str) -> dict[str, str]:
    try:
        cells = {column: canonical(row.get(column) or "") for column in ("label", "subclass")}
    except LabelError as error:
        raise MetadataError(f"{where}: {error}") from None
    cells["origin"] = (row.get("origin") or "").strip()
    if cells["origin"] not in {"", *ORIGINS}:
        raise MetadataError(f"{where}: origin {cells['origin']!r} is not one of {', '.join(ORIGINS)}")
    return {column: text for column, text in cells.items() if text}
