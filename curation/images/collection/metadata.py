"""metadata.csv (or .jsonl, .parquet): what is known of an image beyond the folder it lies in.

The file names and the column `file_name` are those of Hugging Face's ImageFolder. It may lie in any folder of the
collection and names files below itself. Its `label`, `subclass` and `origin` override what the folders say, and an
empty cell overrides nothing. Its `group`, `captured_at`, `source`, `licence` and `annotator` become columns of IMAGES,
and any other column is kept as text.
"""

import json
import unicodedata
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from curation.images.collection.metadata_files import FORMS, MetadataError, Row, rows_of
from curation.tables.class_names import LabelError, canonical
from curation.tables.codes import Origin

NAME = FORMS[0]
COLUMNS = ("label", "subclass", "origin")
ORIGINS = tuple(origin.value for origin in Origin)
FACTS = {  # column of the file: column of IMAGES; `source` says there which folder of data/ an image lies in
    "group": "group",
    "captured_at": "captured_at",
    "source": "obtained_from",
    "licence": "licence",
    "license": "licence",
    "annotator": "annotator",
}
KNOWN = ("file_name", *COLUMNS, *FACTS)
SHOWN = 5
NEAR = 0.9  # of difflib: a column name that is so close to a known one is a slip of the pen


class Facts(NamedTuple):
    """What a metadata file says of an image besides its label; the columns of IMAGES, "" where it says nothing."""

    group: str = ""
    captured_at: str = ""
    obtained_from: str = ""
    licence: str = ""
    annotator: str = ""
    metadata: str = ""  # every other column, as a JSON object


def read_metadata(path: Path, files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Read one metadata file: each named file, as `files` spells it, with the cells that say something.

    `files` maps the path of each file below the sheet's folder (posix, Unicode form NFC) to its path as it is spelt.
    The keys of the cells are label, subclass, origin and the fields of Facts.
    """
    found: dict[str, dict[str, str]] = {}
    missing: list[str] = []
    checked: set[str] = set()
    for place, row in rows_of(path):
        _refuse_slips(path, row.keys() - checked)
        checked |= row.keys()
        where = f"{path}, {place}"
        name = _inside(row["file_name"], where)
        spelt = files.get(unicodedata.normalize("NFC", name))
        if spelt is None:
            missing.append(f"{name} ({place})")
        elif spelt in found:
            raise MetadataError(f"{where}: {name} is named a second time; keep one of the lines")
        else:
            found[spelt] = _cells(row, where) | _facts(row)
    if missing:
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise MetadataError(
            f"{path} names files that are not there: {', '.join(missing[:SHOWN])}{more}. "
            f"`file_name` is taken from the folder {path.parent}; mend the name or delete the line."
        )
    return found


def facts_of(cells: Mapping[str, str]) -> Facts:
    """The facts among the cells of one file."""
    return Facts(*(cells.get(name, "") for name in Facts._fields))


def with_camera(metadata: str, camera: str) -> str:
    """The JSON object of further columns with a `camera`, unless it has one already."""
    return _as_json({"camera": camera} | (json.loads(metadata) if metadata else {})) if camera else metadata


def _refuse_slips(path: Path, columns: set[str]) -> None:
    """Raise MetadataError for a column that is a known one misspelt: kept as text, it would do nothing in silence."""
    for column in sorted(columns - set(KNOWN)):
        for known in KNOWN:
            if _bare(column) == _bare(known) or SequenceMatcher(None, column.casefold(), known).ratio() >= NEAR:
                raise MetadataError(
                    f"{path}: column {column} is probably meant to be {known}. Rename it; if it is not meant so, give "
                    "it a name that differs more"
                )


def _bare(column: str) -> list[str]:
    letters = [letter for letter in column.casefold() if letter.isalnum()]
    return sorted(letters[:-1] if letters[-1:] == ["s"] else letters)


def _inside(name: str, where: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    windows_drive = len(name) > 1 and name[1] == ":"
    if not name or path.is_absolute() or ".." in path.parts or windows_drive:
        raise MetadataError(f"{where}: file_name {name!r} leaves its folder: write a path below it, without ..")
    return path.as_posix()


def _cells(row: Row, where: str) -> dict[str, str]:
    """The cells that override what the folders say."""
    try:
        cells = {column: canonical(row.get(column, "")) for column in ("label", "subclass")}
    except LabelError as error:
        raise MetadataError(f"{where}: {error}") from None
    cells["origin"] = row.get("origin", "").strip()
    if cells["origin"] not in {"", *ORIGINS}:
        raise MetadataError(f"{where}: origin {cells['origin']!r} is not one of {', '.join(ORIGINS)}")
    return {column: text for column, text in cells.items() if text}


def _facts(row: Row) -> dict[str, str]:
    found: dict[str, str] = {}
    for column, name in FACTS.items():
        found[name] = found.get(name) or unicodedata.normalize("NFC", row.get(column, "")).strip()
    more = {column: text for column, text in row.items() if column not in KNOWN and text}
    found["metadata"] = _as_json(more) if more else ""
    return {name: text for name, text in found.items() if text}


def _as_json(columns: Mapping[str, str]) -> str:
    return json.dumps(columns, ensure_ascii=False, sort_keys=True)
