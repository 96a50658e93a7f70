"""From the pool into training: only by decision, with provenance, through files of other tools and back."""

import json
from pathlib import Path

import pandas as pd
import pytest
from factories.tables import identified, rows_of

from curation import tables
from curation.decisions.log import read_reviews
from curation.labelling import cvat, label_studio
from curation.labelling.accept import LabelError, Stamp, accept_rest, movable, move, read_picks, record, with_provenance
from curation.labelling.metadata_sheets import SheetError

STAMP = Stamp("ana", "abc123")


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Four pool images on disk, identified as red, red, green, blue."""
    monkeypatch.chdir(tmp_path)
    table = identified({"label": "red"}, {"label": "red"}, {"label": "green"}, {"label": "blue", "confidence": 0.6})
    for path in table.path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(path.encode())
    images = rows_of(tables.IMAGES, table[["image_id", "path", "source"]].to_dict("records"))
    return table, images


def test_nothing_moves_without_a_decision(world):
    table, images = world
    reviews = Path("data/reviews.csv")
    assert movable(images, read_reviews(reviews)) == {}
    record([STAMP.row(table.image_id[0], "keep"), STAMP.row(table.image_id[1], "unknown")], reviews)
    assert movable(images, read_reviews(reviews)) == {}
    record(
        [STAMP.row(table.image_id[1], "relabel", "green"), STAMP.row(table.image_id[2], "relabel", "green")], reviews
    )
    record([STAMP.row(table.image_id[2], "remove")], reviews)
    assert movable(images, read_reviews(reviews)) == {table.path[1]: (table.image_id[1], "green")}


def test_accepted_images_move_into_their_class_and_the_log_says_who_and_why(world):
    table, images = world
    reviews = Path("data/reviews.csv")
    record([STAMP.row(table.image_id[0], "unknown")], reviews)
    rows = accept_rest(table, {table.image_id[0]}, "predicted", STAMP)
    record(rows, reviews)
    log = read_reviews(reviews)
    last = log[log.image_id == table.image_id[3]].iloc[-1]
    assert (last.decision, last.label, last.reviewer, last.model) == ("relabel", "blue", "ana", "abc123")
    assert last.note == "identified as blue at 0.600"
    moved, refused = move(movable(images, log), Path.cwd())
    assert (moved, refused) == (3, {})
    assert Path(f"data/raw/green/{table.image_id[2]}.png").read_bytes() == table.path[2].encode()
    assert Path(table.path[0]).exists()
    again, refused = move(movable(images, log), Path.cwd())
    assert again == 0
    assert len(refused) == 3


def test_a_name_that_is_taken_is_respected(world):
    table, images = world
    taken = Path(f"data/raw/red/{table.image_id[0]}.png")
    taken.parent.mkdir(parents=True)
    taken.write_text("another image")
    record(accept_rest(table, set(), "red", STAMP), Path("data/reviews.csv"))
    assert move(movable(images, read_reviews(Path("data/reviews.csv"))), Path.cwd()) == (4, {})
    assert taken.read_text() == "another image"
    assert Path(f"data/raw/red/{table.image_id[0]}-{table.image_id[0][:8]}.png").exists()


def test_what_metadata_says_of_an_image_goes_along_but_for_its_label(world):
    table, images = world
    names = [Path(path).name for path in table.path]
    pool, raw = Path("data/unlabelled/metadata.csv"), Path("data/raw/metadata.csv")
    pool.write_text(f"file_name,label,origin\r\n{names[1]},unknown,staged\r\n{names[2]},,\r\n{names[3]},,synthetic\r\n")
    raw.parent.mkdir(parents=True)
    raw.write_text("file_name,subclass\nred/old.png,pale\n")
    record(accept_rest(table[:3], set(), "red", STAMP), Path("data/reviews.csv"))
    assert move(movable(images, read_reviews(Path("data/reviews.csv"))), Path.cwd()) == (3, {})
    assert pool.read_bytes() == f"file_name,label,origin\r\n{names[3]},,synthetic\r\n".encode()
    assert raw.read_text() == f"file_name,subclass,origin\nred/old.png,pale,\nred/{names[1]},,staged\n"


def test_identical_copies_go_along_and_keep_apart(world):
    table, images = world
    copies = ["data/unlabelled/b/x.png", "data/unlabelled/a/x.png", "data/unlabelled/c/x.png", "data/raw/red/known.png"]
    for path in copies:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(table.path[0].encode())
    images.at[0, "copy_paths"] = copies
    record([STAMP.row(table.image_id[0], "relabel", "red")], Path("data/reviews.csv"))
    assert move(movable(images, read_reviews(Path("data/reviews.csv"))), Path.cwd()) == (4, {})
    assert len(list(Path("data/raw/red").iterdir())) == 5
    assert not any(path.is_file() for path in Path("data/unlabelled").glob("?/*"))


def test_a_sheet_that_ingest_would_refuse_stops_the_move_with_one_clear_error(world):
    table, _ = world
    Path("data/unlabelled/metadata.csv").write_text("name\nx.png\n")
    with pytest.raises(SheetError, match="dvc repro ingest"):
        move({table.path[0]: (table.image_id[0], "red")}, Path.cwd())
    assert Path(table.path[0]).exists()


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_picks_can_be_corrected_in_a_spreadsheet(world, kind):
    table, _ = world
    picks = Path(f"picks.{kind}")
    frame = pd.DataFrame({"image_id": table.image_id[:2], "label": ["red", "green"]})
    frame.to_csv(picks, index=False) if kind == "csv" else frame.to_json(picks, orient="records")
    rows = accept_rest(read_picks(picks, table), set(), "predicted", STAMP)
    assert [row["label"] for row in rows] == ["red", "green"]
    assert rows[1]["note"] == "identified as red at 0.900"


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "image_id\nffff\n"])
def test_other_files_are_refused_as_picks(world, text):
    Path("picks.csv").write_text(text)
    with pytest.raises(LabelError, match=r"picks\.csv"):
        read_picks(Path("picks.csv"), world[0])


def test_provenance_is_added_once(world):
    table, _ = world
    rows = with_provenance([STAMP.row(table.image_id[3], "relabel", "red", "annotator bo")], table)
    assert rows[0]["note"] == "annotator bo; identified as blue at 0.600"
    assert with_provenance(rows, table) == rows


def test_label_studio_round_trip(world, tmp_path):
    table, _ = world
    assert label_studio.write_tasks(table, tmp_path / "tasks.json", "abc123") == 4
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert tasks[3]["predictions"][0]["score"] == 0.6
    assert tasks[3]["predictions"][0]["result"][0]["value"] == {"choices": ["blue"]}
    assert tasks[0]["data"]["image"] == f"/data/local-files/?d={table.path[0]}"
    choice = {"from_name": "label", "to_name": "image", "type": "choices"}

    def annotated(value, when, **more):
        return {"result": [{**choice, "value": {"choices": [value]}}], "updated_at": when, "completed_by": 7, **more}

    tasks[0]["annotations"] = [annotated("green", "2026-02"), annotated("red", "2026-01")]
    tasks[1]["annotations"] = [annotated("green", "2026-02", was_cancelled=True)]
    tasks[2]["annotations"] = [{**annotated("unknown", "2026-02"), "completed_by": {"email": "bo@example.org"}}]
    (tmp_path / "full.json").write_text(json.dumps(tasks))
    found = label_studio.read_annotations(tmp_path / "full.json").choices
    assert {image_id: choice[:2] for image_id, choice in found.items()} == {
        table.image_id[0]: ("green", "7"),
        table.image_id[2]: ("unknown", "bo@example.org"),
    }
    short = [{"image_id": table.image_id[1], "image": "x", "label": "blue", "annotator": 3}]
    (tmp_path / "min.json").write_text(json.dumps(short))
    found = label_studio.read_annotations(tmp_path / "min.json").choices
    assert {image_id: choice[:2] for image_id, choice in found.items()} == {table.image_id[1]: ("blue", "3")}
    assert '<Choice value="red"/>' in label_studio.config(["red"])


def test_cvat_round_trip(world, tmp_path):
    table, _ = world
    paths = dict(zip(table.path, table.image_id, strict=True))
    cvat.write_images(table, tmp_path / "out.xml", ["blue", "green", "red"])
    text = (tmp_path / "out.xml").read_text()
    assert cvat.read_tags(tmp_path / "out.xml", paths).chosen == {}  # guesses are no decisions
    done = text.replace('<tag label="blue" source="auto"', '<tag label="green" source="manual"')
    short = done.replace("data/unlabelled/", "")  # a task made from the folder itself
    (tmp_path / "done.xml").write_text(done)
    (tmp_path / "short.xml").write_text(short)
    assert cvat.read_tags(tmp_path / "done.xml", paths).chosen == {table.image_id[3]: "green"}
    assert cvat.read_tags(tmp_path / "short.xml", paths).chosen == {table.image_id[3]: "green"}


@pytest.mark.parametrize(
    "text", ["", "<html/>", "no xml", '<annotations><image name="who"><tag label="a"/></image></annotations>']
)
def test_other_files_are_refused_as_cvat(tmp_path, text):
    (tmp_path / "x.xml").write_text(text)
    with pytest.raises(cvat.CvatError, match=r"x\.xml"):
        cvat.read_tags(tmp_path / "x.xml", {})


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"data": {}}]'])
def test_other_files_are_refused_as_label_studio(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(label_studio.LabelStudioError, match=r"x\.json"):
        label_studio.read_annotations(tmp_path / "x.json")
