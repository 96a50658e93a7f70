"""`curate undrop` in a real project: what it brings back is in the selection after the next `dvc repro`."""

import json

import pytest
from factories.pictures import encoded, lay, make_picture

from curation.decisions.log import append_reviews

pytestmark = pytest.mark.pipeline

WIDE = (240, 180)


@pytest.fixture(scope="module")
def project(make_clone):
    """Ten pictures of two classes, copies of three of them, a label conflict, and a file that is no image."""
    made = make_clone("undrop")
    files = {f"data/raw/{label}/{n}.png": encoded(make_picture(seed, WIDE), "PNG") for label, n, seed in _pictures()}
    first, second, third = (make_picture(seed, WIDE) for seed in (0, 1, 2))
    small = first.resize((160, 120))
    files |= {
        "data/raw/cup/0 small.jpg": encoded(small, "JPEG", quality=70),
        "data/raw/cup/0 smaller.jpg": encoded(first.resize((120, 90)), "JPEG", quality=60),
        "data/raw/cup/1 left.png": encoded(second.crop((24, 0, *WIDE)), "PNG"),
        "data/raw/cup/1 right.jpg": encoded(second.crop((0, 0, 216, 180)).resize((180, 150)), "JPEG", quality=80),
        "data/raw/pen/2 again.jpg": encoded(third, "JPEG", quality=80),
        "data/raw/pen/broken.png": b"no image at all",
    }
    lay(made.root, files)
    made.replace("params.yaml", "min: 40", "min: 1")
    made.run("dvc", "repro", "cutoff")
    return made


def _pictures():
    yield from (("cup", number, number) for number in range(5))
    yield from (("pen", number, 10 + number) for number in range(5))


def found(project):
    """What the selection says of each file: its state and its reason code."""
    table = project.table("selection").merge(project.table("images")[["image_id", "path"]], on="image_id")
    return {
        path.removeprefix("data/raw/"): (state, code)
        for path, state, code in table[["path", "state", "reason_code"]].itertuples(index=False)
    }


def test_what_is_left_out_is_listed_by_reason_with_examples_and_a_way_back(project):
    told = {row["reason_code"]: row for row in project.json("curate", "undrop", "--json")}
    assert {code: row["images"] for code, row in told.items()} == {"copy": 4, "label_conflict": 2, "unreadable": 1}
    assert told["unreadable"]["examples"] == ["data/raw/pen/broken.png"]
    assert "curate undrop IMAGE" in told["copy"]["way_back"]
    listed = project.json("curate", "undrop", "--reason", "copy", "--class", "cup", "--json")
    assert {row["path"].split("/")[-1] for row in listed} == {
        "0 small.jpg",
        "0 smaller.jpg",
        "1 left.png",
        "1 right.jpg",
    }
    assert "no image is left out for that reason" in project.run("curate", "undrop", "--reason", "frobnicate", code=1)
    assert "is not left out" in project.run("curate", "undrop", "data/raw/cup/3.png", code=1)


def test_copies_come_back_from_their_keeper_from_each_other_and_from_every_other_keeper(project):
    """`1 left` is kept beside `1` first; `1 right` is a copy of both, so one word against one keeper is not enough."""
    project.run("curate", "undrop", "data/raw/cup/1 left.png", "--reviewer", "Ana")
    project.run("dvc", "repro", "cutoff")
    assert found(project)["cup/1 left.png"] == ("kept", "")
    assert found(project)["cup/1 right.jpg"] == ("dropped", "copy")
    before = (project.root / "data" / "reviews.csv").read_bytes()
    names = [f"data/raw/cup/{name}" for name in ("1 right.jpg", "0 small.jpg", "0 smaller.jpg")]
    dry = project.json("curate", "undrop", *names, "--dry-run", "--json")
    assert (project.root / "data" / "reviews.csv").read_bytes() == before
    done = project.json("curate", "undrop", *names, "--json")
    assert done == {**dry, "written": True}
    assert {row["decision"].partition(":")[0] for row in done["decisions"]} == {"not_copy"}
    assert len(done["decisions"]) == 5  # two pairs with `0`, the pair of its copies, two keepers of the other picture
    project.run("dvc", "repro", "cutoff")
    assert {found(project)[name.removeprefix("data/raw/")] for name in names} == {("kept", "")}


def test_an_image_in_a_label_conflict_comes_back_with_its_own_label(project):
    assert found(project)["cup/2.png"] == ("conflict", "label_conflict")
    project.run("curate", "undrop", "data/raw/pen/2 again.jpg")
    project.run("dvc", "repro", "cutoff")
    assert found(project)["pen/2 again.jpg"] == ("kept", "")
    table = project.table("selection").merge(project.table("images")[["image_id", "path"]], on="image_id")
    assert table.set_index("path").loc["data/raw/pen/2 again.jpg", "label"] == "pen"


def test_a_removed_image_gets_back_what_was_decided_before(project):
    ids = dict(project.table("images")[["path", "image_id"]].itertuples(index=False))
    one, other = ids["data/raw/cup/3.png"], ids["data/raw/cup/4.png"]
    rows = [(one, "relabel", "pen"), (one, "remove", ""), (one, "remove", ""), (other, "remove", "")]
    log = project.root / "data" / "reviews.csv"
    append_reviews(log, [{"image_id": image, "decision": word, "label": label} for image, word, label in rows])
    project.run("dvc", "repro", "cutoff")
    assert found(project)["cup/3.png"] == found(project)["cup/4.png"] == ("dropped", "removed")
    done = project.json("curate", "undrop", "--all", "--reason", "removed", "--json")
    assert [(row["decision"], row["label"]) for row in sorted(done["decisions"], key=_decision)] == [
        ("keep", ""),
        ("relabel", "pen"),
    ]
    project.run("dvc", "repro", "cutoff")
    table = project.table("selection").set_index("image_id")
    assert table.loc[[one, other], ["state", "label"]].to_numpy().tolist() == [["kept", "pen"], ["kept", "cup"]]


def test_where_no_decision_helps_the_cause_is_named_and_nothing_is_written(project):
    before = (project.root / "data" / "reviews.csv").read_bytes()
    said = project.run("curate", "undrop", "data/raw/pen/broken.png", code=1)
    assert "replace the file by one that can be read" in " ".join(said.split())
    assert (project.root / "data" / "reviews.csv").read_bytes() == before
    assert json.loads(project.run("curate", "undrop", "data/raw/pen/broken.png", "--json", code=1))["decisions"] == []


def _decision(row):
    return row["decision"]
