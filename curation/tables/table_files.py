"""Reading and writing the tables: whole or not at all, and only with the columns, types and codes of their schema."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.errors import in_words
from curation.files import whole
from curation.files.parsed import speaks_of_bytes
from curation.tables.schemas import TEXT, Table, TableError


def write(frame: pd.DataFrame, path: Path, table: Table) -> None:
    """Write a frame as `table`, whole or not at all: a temporary name, then a rename."""
    _check(path, table, list(frame.columns))
    write_batches([frame.sort_values("image_id", kind="stable")], path, table)


def write_batches(frames: Iterable[pd.DataFrame], path: Path, table: Table) -> None:
    """Write frames that follow one another in `image_id` as one `table`, for those that do not fit in memory."""
    with whole(path) as draft, pq.ParquetWriter(draft, table.schema, compression="zstd") as writer:
        for frame in frames:
            _check(path, table, list(frame.columns))
            data = pa.Table.from_pandas(frame[table.columns], schema=table.schema, preserve_index=False)
            _refuse_values(path, table, data)
            writer.write_table(data)


def read(path: Path, table: Table, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read `table` from a file, or only some of its columns."""
    if not path.exists():
        raise TableError(path, table, "the table does not exist (in a fresh clone, `dvc pull` fetches it)")
    try:
        return _read(path, table, list(columns) if columns else None)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if speaks_of_bytes(error):
            raise TableError(path, table, f"no Parquet table, or a damaged one ({in_words(error)})") from None
        raise


def _read(path: Path, table: Table, columns: list[str] | None) -> pd.DataFrame:
    found = pq.read_schema(path)
    _check(path, table, found.names)
    if not found.equals(table.schema):
        _refuse_types(path, table, found)
    data = pq.read_table(path, columns=columns, read_dictionary=list(table.codes))
    _refuse_values(path, table, data)
    frame: pd.DataFrame = data.cast(pa.schema([table.schema.field(name) for name in data.column_names])).to_pandas()
    return frame


def _check(path: Path, table: Table, found: list[str]) -> None:
    missing = [name for name in table.columns if name not in found]
    extra = [name for name in found if name not in table.columns]
    if missing or extra:
        raise TableError(path, table, f"columns missing: {missing or 'none'}, not known: {extra or 'none'}")


def _refuse_types(path: Path, table: Table, found: pa.Schema) -> None:
    """Raise TableError for a column of another type, or columns in another order."""
    for field in table.schema:
        there = found.field(field.name).type
        if there != field.type:
            raise TableError(path, table, f"column {field.name} is of the type {there}, expected {field.type}")
    raise TableError(path, table, f"the columns stand in another order: {', '.join(found.names)}")


def _refuse_values(path: Path, table: Table, data: pa.Table) -> None:
    """Raise TableError for a text that is null (where there is none, it is "") or that is no code of its column."""
    for field in data.schema:
        column = data.column(field.name)
        if (field.type == TEXT or field.name in table.codes) and column.null_count:
            raise TableError(path, table, f"column {field.name} has {column.null_count} nulls")
        if field.name in table.codes:
            codes = [code.value for code in table.codes[field.name]]
            if odd := _texts(column).difference(codes):
                expected = ", ".join(map(repr, codes))
                raise TableError(path, table, f"column {field.name} holds {min(odd)!r}, expected one of {expected}")


def _texts(column: pa.ChunkedArray) -> set[str]:
    """The different texts of a column; one that was read as a dictionary has them at hand, which costs no time."""
    if pa.types.is_dictionary(column.type):
        return {text for chunk in column.chunks for text in chunk.dictionary.to_pylist()}
    return set(pc.unique(column).to_pylist())
