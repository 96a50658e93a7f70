"""Lines of metadata files of any form move with their files, and come back as they were."""

import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.labelling.accept import move
from curation.labelling.metadata_rows import Line, amended, lines_below
from curation.labelling.metadata_sheets import SheetError, read_sheet

ROWS = [
    {"file_name": "a.png", "origin": "staged", "weight": 7, "tags": ["x", "y"], "when": None},
    {"file_name": "b.png", "origin": "", "weight": None, "tags": [], "when": datetime(2026, 5, 1)},  # noqa: DTZ001
    {"file_name": "c.png", "origin": "real", "weight": 0, "tags": ["z"], "when": None},
]


def write(path, form):
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        rows = [{name: cell for name, cell in row.items() if name != "when"} for row in ROWS]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def amend(root, put, take):
    for path, data, _ in amended(root, put=put, take=take):
        path.write_bytes(data)


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_line_goes_and_comes_back_with_its_types(tmp_path, form):
    path = tmp_path / f"data/unlabelled/metadata.{form}"
    write(path, form)
    before = pq.read_table(path) if form == "parquet" else path.read_bytes()
    lines = lines_below("data/unlabelled", tmp_path)
    assert sorted(lines) == [f"data/unlabelled/{name}.png" for name in "abc"]
    line = Line(**json.loads(json.dumps({**vars(lines["data/unlabelled/b.png"])})))  # as the journal keeps it
    for _ in range(2):
        amend(tmp_path, put=[], take=[line])
        assert [row["file_name"] for row in read_sheet(path).rows] == ["a.png", "c.png"]
    for _ in range(2):
        amend(tmp_path, put=[line], take=[])
    after = pq.read_table(path) if form == "parquet" else path.read_bytes()
    assert after == before


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_what_the_pool_says_in_any_form_reaches_the_sheet_of_raw(tmp_path, form):
    write(tmp_path / f"data/unlabelled/metadata.{form}", form)
    for name in "abc":
        (tmp_path / f"data/unlabelled/{name}.png").write_text(name)
    found = {"data/unlabelled/a.png": ("1" * 32, "red")}
    assert move(found, tmp_path) == (1, {})
    rows = read_sheet(tmp_path / "data/raw/metadata.csv").rows
    assert rows == [{"file_name": "red/a.png", "origin": "staged", "weight": "7", "tags": '["x", "y"]'}]
    assert len(read_sheet(tmp_path / f"data/unlabelled/metadata.{form}").rows) == 2


@pytest.mark.parametrize("content", ["{", "[1]\n", '{"name": "x"}\n', b"\xff"])
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_a_file_that_ingest_would_refuse_is_one_clear_error(tmp_path, form, content):
    path = tmp_path / f"metadata.{form}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SheetError, match="dvc repro ingest"):
        read_sheet(Path(path))
