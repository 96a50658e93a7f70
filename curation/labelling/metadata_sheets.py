"""A metadata file of any form as rows that can be changed, and written back in its form: CSV, JSON lines or Parquet.

Numbers, lists and times keep their types where the form has types.
"""

import csv
import io
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from curation.errors import CurationError
from curation.files.parsed import parse_json
from curation.images.collection.metadata_files import as_text

if TYPE_CHECKING:
    import pyarrow as pa

FILE = "file_name"
Cells = Mapping[str, Any]


class SheetError(CurationError):
    """A metadata file can't be read in the way in which ingest reads it."""


@dataclass
class Sheet:
    """The columns and rows of a CSV file, and how it is encoded."""

    columns: list[str] = field(default_factory=lambda: [FILE])
    rows: list[dict[str, Any]] = field(default_factory=list)
    encoding: str = "utf-8"
    newline: str = "\n"

    def add(self, row: dict[str, Any], at: int) -> None:
        """Insert a row at a position, or at the end when `at` is below 0."""
        self.columns += [column for column in row if column not in self.columns]
        self.rows.insert(at if at >= 0 else len(self.rows), row)

    def data(self, _: Path) -> bytes:
        """Return the bytes of the file."""
        text = io.StringIO(newline="")
        plain = csv.writer(text, lineterminator=self.newline)
        quoted = csv.writer(text, lineterminator=self.newline, quoting=csv.QUOTE_ALL)
        rows = ([as_text(row.get(column, "")) for column in self.columns] for row in self.rows)
        for cells in (self.columns, *rows):  # csv itself leaves a carriage return without quotes: it would end the line
            (quoted if any("\r" in cell for cell in cells) else plain).writerow(cells)
        return text.getvalue().encode(self.encoding)


@dataclass
class _JsonLines(Sheet):
    def data(self, _: Path) -> bytes:
        lines = (json.dumps(row, ensure_ascii=False) + self.newline for row in self.rows)
        return "".join(lines).encode(self.encoding)


@dataclass
class _Parquet(Sheet):
    schema: "pa.Schema | None" = None

    def data(self, path: Path) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = self.schema
        if schema is None:  # only a sheet that exists is written back
            raise SheetError(f"{path} does not exist (any more): `dvc repro ingest` says what to fix")
        columns = [_column([row.get(column.name) for row in self.rows], column.type) for column in schema]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_arrays(columns, schema=schema), sink)
        return bytes(sink.getvalue().to_pybytes())


def read_sheet(path: Path) -> Sheet:
    """Read a metadata file by the ending of its name; a file that does not exist has no lines. Raises SheetError."""
    read = {".jsonl": _read_json_lines, ".parquet": _read_parquet}.get(path.suffix, _read_csv)
    try:
        sheet = read(path) if path.exists() else {".jsonl": _JsonLines, ".parquet": _Parquet}.get(path.suffix, Sheet)()
    except (ValueError, csv.Error) as error:  # also of Unicode, JSON and Parquet
        raise SheetError(f"{path} can't be read ({error}): `dvc repro ingest` says what to fix") from None
    if not all(isinstance(row.get(FILE), str) for row in sheet.rows) or FILE not in sheet.columns:
        raise SheetError(f"{path} is not a list of files: `dvc repro ingest` says what to fix")
    return sheet


def name_in(cells: Cells) -> str:
    """The file that a row names, as `key` spells it."""
    return key(PurePosixPath(str(cells[FILE]).replace("\\", "/")).as_posix())


def key(path: str) -> str:
    """Return a path in the form in which sheets and files are matched: Unicode NFC; macOS writes names in NFD."""
    return unicodedata.normalize("NFC", path)


def _read_csv(path: Path) -> Sheet:
    data = path.read_bytes()
    reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
    rows: list[dict[str, Any]] = []
    for row in reader:
        if None in row:
            raise ValueError(f"line {reader.line_num} has more cells than the first line")
        rows.append({column: cell or "" for column, cell in row.items()})
    return Sheet(list(reader.fieldnames or []), rows, *_form(data))


def _read_json_lines(path: Path) -> Sheet:
    data = path.read_bytes()
    rows = [parse_json(line) for line in data.decode("utf-8-sig").split("\n") if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("a line is no object")
    return _JsonLines([FILE], rows, *_form(data))


def _read_parquet(path: Path) -> Sheet:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    rows = [{name: _plain(value) for name, value in row.items()} for row in table.to_pylist()]
    return _Parquet(list(table.column_names), rows, schema=table.schema)


def _form(data: bytes) -> tuple[str, str]:
    """The encoding and the line ends of a text file."""
    return "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8", "\r\n" if b"\r\n" in data else "\n"


def _plain(value: Any) -> Any:
    """A value as the journal of moves can hold it, in JSON."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _column(values: list[Any], kind: "pa.DataType") -> "pa.Array":
    """Values in the type of their column; times came as text."""
    import pyarrow as pa

    try:
        return pa.array(values, type=kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if value is None else as_text(value) for value in values], type=pa.string()).cast(kind)
