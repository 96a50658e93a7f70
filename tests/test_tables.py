"""The tables between the stages: whole or absent, the same bytes for the same content, and never with wrong columns."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories.tables import rows_of
from hypothesis import given
from hypothesis import strategies as st

from curation import tables


def toy(table: tables.Table, ids: list[str]) -> pd.DataFrame:
    """A frame with the columns of `table`, filled with the plainest value of each type."""
    return rows_of(table, [{"image_id": image_id} for image_id in ids])


@pytest.mark.parametrize("table", tables.ALL, ids=lambda table: table.name)
def test_what_is_written_is_what_is_read(tmp_path, table):
    tables.write(toy(table, ["b", "a"]), tmp_path / "t.parquet", table)
    back = tables.read(tmp_path / "t.parquet", table)
    assert list(back.columns) == table.columns
    assert list(back.image_id) == ["a", "b"]


@given(order=st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_rows_does_not_change_the_bytes(tmp_path_factory, order):
    folder = tmp_path_factory.mktemp("order")
    rows = toy(tables.DUPLICATES, ["a", "b", "c", "d"]).assign(distance=np.arange(4))
    tables.write(rows, folder / "one.parquet", tables.DUPLICATES)
    tables.write(rows.set_index("image_id").loc[order].reset_index(), folder / "two.parquet", tables.DUPLICATES)
    assert (folder / "one.parquet").read_bytes() == (folder / "two.parquet").read_bytes()


@pytest.mark.parametrize("change", [lambda f: f.drop(columns="keeper"), lambda f: f.assign(extra=1)])
def test_wrong_columns_are_refused_and_nothing_is_written(tmp_path, change):
    with pytest.raises(tables.TableError, match=r"keeper|extra"):
        tables.write(change(toy(tables.DUPLICATES, ["a"])), tmp_path / "t.parquet", tables.DUPLICATES)
    assert not list(tmp_path.iterdir())


def test_a_missing_table_names_the_stage_that_writes_it(tmp_path):
    with pytest.raises(tables.TableError, match="dvc repro dedupe"):
        tables.read(tmp_path / "none.parquet", tables.DUPLICATES)


def test_a_failed_write_leaves_the_old_table_and_no_draft(tmp_path):
    path = tmp_path / "t.parquet"
    tables.write(toy(tables.DUPLICATES, ["a"]), path, tables.DUPLICATES)
    before = path.read_bytes()
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError), match="distance"):
        tables.write(toy(tables.DUPLICATES, ["a"]).assign(distance="far"), path, tables.DUPLICATES)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_table_is_one_clear_error(tmp_path):
    path = Path(tmp_path / "t.parquet")
    path.write_bytes(b"half a tab")
    with pytest.raises(tables.TableError, match="dvc repro dedupe"):
        tables.read(path, tables.DUPLICATES)


@pytest.mark.parametrize("table", tables.ALL, ids=lambda table: table.name)
def test_a_column_of_another_type_is_refused_by_name(tmp_path, table):
    path = tmp_path / "t.parquet"
    tables.write(toy(table, ["a"]), path, table)
    last = table.schema.field(len(table.schema) - 1)
    data = pq.read_table(path)
    other = pa.array([7], pa.uint64())
    pq.write_table(data.set_column(len(table.schema) - 1, last.name, other), path)
    with pytest.raises(tables.TableError, match=f"column {last.name} is of the type uint64, expected"):
        tables.read(path, table, ["image_id"])


def test_columns_in_another_order_are_refused(tmp_path):
    path = tmp_path / "t.parquet"
    tables.write(toy(tables.DUPLICATES, ["a"]), path, tables.DUPLICATES)
    pq.write_table(pq.read_table(path).select(tables.DUPLICATES.columns[::-1]), path)
    with pytest.raises(tables.TableError, match="another order"):
        tables.read(path, tables.DUPLICATES)


def test_a_text_that_is_null_is_refused_when_written_and_when_read(tmp_path):
    path = tmp_path / "t.parquet"
    frame = toy(tables.DUPLICATES, ["a", "b"])
    with pytest.raises(tables.TableError, match="column keeper has 1 nulls"):
        tables.write(frame.assign(keeper=["a", None]), path, tables.DUPLICATES)
    assert not path.exists()
    data = pa.Table.from_pandas(frame.assign(keeper=["a", None]), schema=tables.DUPLICATES.schema, preserve_index=False)
    pq.write_table(data, path)
    with pytest.raises(tables.TableError, match="column keeper has 1 nulls"):
        tables.read(path, tables.DUPLICATES)
