"""metadata.csv, .jsonl and .parquet say the same, and whatever they say reaches IMAGES as text."""

import json
from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation import tables
from curation.images.collection.metadata_files import MetadataError, as_text
from curation.images.collection.scan import scan
from curation.images.ingest import ingest
from curation.params import Params

ROWS = [
    {"file_name": "cat/a.png", "label": "lion", "group": "zoo", "source": "web", "license": "CC0", "camera": "X, 1"},
    {"file_name": "dog/b.png", "captured_at": "2026-05-01", "annotator": "ana", "weight": 7, "box": [1, 2], "ok": True},
]


def sheet(form, rows=ROWS):
    columns = {name: None for row in rows for name in row}
    if form == "jsonl":
        return "\ufeff" + "\n".join(json.dumps(row) for row in rows) + "\n\n"
    if form == "csv":
        return pd.DataFrame([{name: as_text(row.get(name)) for name in columns} for row in rows]).to_csv(index=False)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pydict({name: [row.get(name) for row in rows] for name in columns}), sink)
    return sink.getvalue().to_pybytes()


@pytest.fixture
def collection(project, picture, encoded):
    def make(more):
        files = {"data/raw/cat/a.png": encoded(picture(0), "PNG"), "data/raw/dog/b.png": encoded(picture(1), "PNG")}
        return project(files | more)

    return make


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_every_column_of_every_form_reaches_the_table_as_text(collection, form):
    root = collection({f"data/raw/metadata.{form}": sheet(form)})
    frame = ingest(root, Params.model_validate({"ingest": {"workers": 1}}))
    tables.write(frame, root / "data/images.parquet", tables.IMAGES)
    found = tables.read(root / "data/images.parquet", tables.IMAGES).set_index("path")
    assert found.error.tolist() == ["", ""]
    columns = ["label", "group", "captured_at", "obtained_from", "licence", "annotator"]
    assert found.loc["data/raw/cat/a.png", columns].tolist() == ["lion", "zoo", "", "web", "CC0", ""]
    assert found.loc["data/raw/dog/b.png", columns].tolist() == ["dog", "", "2026-05-01", "", "", "ana"]
    assert json.loads(found.metadata["data/raw/cat/a.png"]) == {"camera": "X, 1"}
    assert json.loads(found.metadata["data/raw/dog/b.png"]) == {"box": "[1, 2]", "ok": "true", "weight": "7"}
    assert set(found.source) == {"raw"}


def test_identical_files_share_what_is_known_of_one_of_them(collection, picture, encoded):
    same = encoded(picture(0), "PNG")
    text = "file_name,group,camera\nx.png,g1,old\n"
    root = collection({"data/unlabelled/x.png": same, "data/unlabelled/metadata.csv": text})
    found = ingest(root, Params.model_validate({"ingest": {"workers": 1}})).set_index("path")
    assert found.group["data/raw/cat/a.png"] == "g1"
    assert json.loads(found.metadata["data/raw/cat/a.png"]) == {"camera": "old"}
    assert found.group["data/raw/dog/b.png"] == ""


@pytest.mark.parametrize(
    ("form", "content", "words"),
    [
        ("jsonl", "{\n", "line 1 is no JSON"),
        ("jsonl", "[1]\n", "line 1: expected an object"),
        ("jsonl", '{"file_name": "cat/a.png"}\n{"name": "x"}\n', "line 2: its keys are name; expected file_name"),
        ("jsonl", '{"file_name": "cat/a.png", "label": ["a", "b"]}\n', "line 1: label is .*expected one text"),
        ("jsonl", '{"file_name": "no.png"}\n', r"names files that are not there: no\.png \(line 1\)"),
        ("jsonl", '{"file_name": "cat/a.png"}\n{"file_name": "cat/a.png"}\n', "line 2: .* a second time"),
        ("jsonl", b"\xff\xfe", "not UTF-8"),
        ("parquet", "no table", "no Parquet table"),
        ("parquet", sheet("parquet", [{"file_name": "cat/a.png", "image": b"x"}]), "column image holds bytes"),
        ("parquet", sheet("parquet", [{"name": "x"}]), "expected file_name"),
        ("csv", "file_name,\ncat/a.png,1\n", "with a name"),
    ],
)
def test_a_wrong_file_of_any_form_is_one_message_that_names_it(collection, form, content, words):
    root = collection({f"data/raw/metadata.{form}": b""})
    path = root / f"data/raw/metadata.{form}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(MetadataError, match=words) as caught:
        scan(root)
    assert f"data/raw/metadata.{form}" in str(caught.value)


SLIPS = {
    "Label": "label", "labels": "label", "lable": "label", "sub_class": "subclass", "Group": "group",
    "captured at": "captured_at", "Licence": "licence", "anotator": "annotator", "Source": "source",
}  # fmt: skip


@pytest.mark.parametrize("column", SLIPS)
def test_a_known_column_misspelt_is_named(collection, column):
    root = collection({"data/raw/metadata.csv": f"file_name,{column}\ncat/a.png,x\n"})
    with pytest.raises(MetadataError, match=f"column {column} is probably meant to be {SLIPS[column]}"):
        scan(root)


@pytest.mark.parametrize("column", ["original", "split", "camera", "captured_by", "url", "class_id", "score"])
def test_other_columns_are_kept(collection, column):
    (first, _) = scan(collection({"data/raw/metadata.csv": f"file_name,{column}\ncat/a.png,NA\n"}))
    assert json.loads(first.facts.metadata) == {column: "NA"}


def test_the_names_behind_the_numbers_of_hugging_face_are_read(collection):
    features = {"label": {"names": ["lion", "wolf"], "_type": "ClassLabel"}}
    table = pa.table({"file_name": ["cat/a.png", "dog/b.png"], "label": [0, 1]})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    found = scan(collection({"data/raw/metadata.parquet": sink.getvalue().to_pybytes()}))
    assert [one.label for one in found] == ["lion", "wolf"]


def test_two_forms_may_not_name_one_image(collection):
    one = {"data/raw/metadata.csv": "file_name\ncat/a.png\n", "data/raw/metadata.jsonl": '{"file_name": "cat/a.png"}\n'}
    with pytest.raises(MetadataError, match=r"both name cat/a\.png"):
        scan(collection(one))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_every_value_has_a_text_and_text_stays(value):
    text = as_text(value)
    assert isinstance(text, str)
    assert as_text(text) == text


def test_a_time_is_written_as_iso_8601():
    assert as_text(datetime(2026, 5, 1, 7, 30)) == "2026-05-01T07:30:00"  # noqa: DTZ001
