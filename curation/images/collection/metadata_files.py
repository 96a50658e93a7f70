"""The rows of metadata.csv, metadata.jsonl and metadata.parquet, the three forms of Hugging Face's ImageFolder.

Whatever a cell holds is given as text: a number as it is written, nothing as "", a list or an object as JSON.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from curation.errors import CurationError, in_words
from curation.files.parsed import parse_json, speaks_of_bytes

FORMS = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
Row = dict[str, str]


class MetadataError(CurationError):
    """A metadata file that can't be followed; the message names the file, the line and what to write."""


def rows_of(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield each row with the place where it stands, such as "line 3"; every row has the same check of its columns."""
    read: Mapping[str, Callable[[Path], Iterator[tuple[str, Row]]]] = {".csv": _csv, ".jsonl": _jsonl}
    return read.get(path.suffix, _parquet)(path)


def as_text(value: object) -> str:
    """The text of a cell: nothing and NaN are "", text stays, a time is ISO 8601, everything else is as JSON has it."""
    if value is None or value != value:  # noqa: PLR0124 - true for NaN alone
        return ""
    if isinstance(value, str):
        return value
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=as_text)


def _csv(path: Path) -> Iterator[tuple[str, Row]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = list(reader.fieldnames or [])
            _refuse_columns(path, columns)
            for row in reader:
                if None in row or None in row.values():
                    raise MetadataError(f"{path}, line {reader.line_num}: it has not as many cells as the first line")
                yield f"line {reader.line_num}", row
    except UnicodeDecodeError as error:
        raise MetadataError(f"{path} is not UTF-8 (byte {error.start}): save it as CSV UTF-8") from None
    except csv.Error as error:
        raise MetadataError(f"{path} is no valid CSV: {error}") from None


def _jsonl(path: Path) -> Iterator[tuple[str, Row]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise MetadataError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values = parse_json(line)
        except ValueError as error:
            raise MetadataError(f"{path}, line {number} is no JSON: {error}") from None
        if not isinstance(values, dict):
            raise MetadataError(f'{path}, line {number}: expected an object such as {{"file_name": "a.jpg"}}')
        _refuse_columns(path, list(values), f", line {number}")
        yield f"line {number}", _texts(values, f"{path}, line {number}")


def _parquet(path: Path) -> Iterator[tuple[str, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        yield from _parquet_rows(path, pq.ParquetFile(path))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if speaks_of_bytes(error):
            raise MetadataError(f"{path} is no Parquet table, or a damaged one: {in_words(error)}") from None
        raise


def _parquet_rows(path: Path, file: Any) -> Iterator[tuple[str, Row]]:
    columns = list(file.schema_arrow.names)
    _refuse_columns(path, columns)
    for column in file.schema_arrow:
        if "binary" in str(column.type):
            raise MetadataError(f"{path}: column {column.name} holds bytes: write the images as files and delete it")
    names = _names_of_codes(file.schema_arrow.metadata or {})
    number = 0
    for batch in file.iter_batches():
        for values in batch.to_pylist():
            number += 1
            decoded = {name: _named(names.get(name), value) for name, value in values.items()}
            yield f"row {number}", _texts(decoded, f"{path}, row {number}")


def _texts(values: Mapping[str, Any], where: str) -> Row:
    for name in ("file_name", "label", "subclass", "origin"):
        if isinstance(values.get(name), list | dict):
            raise MetadataError(f"{where}: {name} is {as_text(values[name])[:60]}, expected one text")
    return {name: as_text(value) for name, value in values.items()}


def _names_of_codes(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names behind the numbers of `ClassLabel` columns, which Hugging Face's datasets writes beside the table."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {name: one["names"] for name, one in features.items() if one.get("_type") == "ClassLabel"}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _named(names: list[str] | None, value: Any) -> Any:
    return names[value] if names and isinstance(value, int) and 0 <= value < len(names) else value


def _refuse_columns(path: Path, columns: list[str], where: str = "") -> None:
    """Raise MetadataError where the columns are not those of a metadata file."""
    if "file_name" not in columns or len(set(columns)) < len(columns) or "" in columns:
        raise MetadataError(
            f"{path}{where}: its {'keys are' if where else 'first line is'} {', '.join(columns) or 'empty'}; expected "
            "file_name, a path from the folder of this file, and any further columns, each once and with a name"
        )
