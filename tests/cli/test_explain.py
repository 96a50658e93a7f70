"""`curate explain`: one image's life, from whatever tables there are."""

import json
from pathlib import Path

import pytest
from factories import tables as made
from typer.testing import CliRunner

from curation import tables
from curation.cli.main import app
from curation.decisions.log import append_reviews, read_reviews
from curation.params import Params
from curation.selection.cutoff import select
from curation.selection.split import split

ID = made.image_id


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").touch()
    Path("params.yaml").touch()
    rows = [{"name": n, "copy_paths": [], "copy_labels": []} for n in range(60)]
    rows[1]["copy_paths"], rows[1]["copy_labels"] = ["data/raw/a/copy.png"], ["a"]
    images = made.images([*rows, {"name": "pool", "source": "unlabelled", "label": ""}])
    duplicates = made.duplicates(images, {ID(2): ID(1)})
    log = {"image_id": ID(1), "decision": "keep", "reviewer": "ada", "decided_at": "2026-01-01", "note": "odd light"}
    append_reviews(Path("data/reviews.csv"), [log])
    params = Params.model_validate({"cutoff": {"min": 1}})
    selection = select(images, duplicates, read_reviews(Path("data/reviews.csv")), params)
    tables.write(images, Path("data/images.parquet"), tables.IMAGES)
    tables.write(duplicates, Path("data/duplicates.parquet"), tables.DUPLICATES)
    tables.write(selection, Path("data/selection.parquet"), tables.SELECTION)
    tables.write(split(selection, params, {}), Path("data/splits.parquet"), tables.SPLITS)


def run(*words):
    return CliRunner().invoke(app, ["explain", *words])


@pytest.mark.parametrize("image", [ID(1), ID(1)[:12], "data/raw/a/1.png", "./data/raw/a/1.png", "data/raw/a/copy.png"])
def test_an_image_is_found_by_id_beginning_path_and_copy(project, image):
    told = run(image).stdout
    assert told.startswith(ID(1))
    assert "The same bytes also lie at data/raw/a/copy.png, labelled `a`." in told
    assert "Decided by ada on 2026-01-01: keep. Note: odd light" in told
    assert f"{ID(2)[:12]} is of the same picture, too." in told
    assert "Kept." in told


def test_a_twin_names_its_keeper_and_json_has_the_same_facts(project):
    found = json.loads(run(ID(2), "--json").stdout)
    assert found["image_id"] == ID(2)
    texts = {row["step"]: row["text"] for row in found["history"]}
    assert texts["near-duplicates"].startswith(f"It is a near-duplicate of {ID(1)[:12]}")
    assert texts["cutoff"] == f"Dropped: copy of {ID(1)[:12]}."
    assert texts["split"] == "In no split."


def test_a_life_can_be_told_before_the_later_stages_ran(project):
    for name in ("duplicates", "selection", "splits"):
        Path(f"data/{name}.parquet").unlink()
    assert "an image of the pool, without a label" in run(ID("pool")).stdout


@pytest.mark.parametrize(
    ("image", "message"), [("data/raw/a/1.pgn", "Did you mean data/raw/a/1.png?"), ("zz", "no image_id")]
)
def test_what_is_no_image_is_one_message(project, image, message):
    found = run(image)
    assert found.exit_code == 1
    assert message in found.stderr


def test_without_any_table_the_stage_to_run_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").touch()
    Path("params.yaml").touch()
    assert "dvc repro ingest" in run("abcd").stderr


def test_a_path_is_that_of_the_folder_it_is_typed_in(project, monkeypatch):
    Path("data/raw").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir("data/raw")
    assert ID(1) in run("a/1.png").stdout
    assert ID(1) in run(ID(1)[:12]).stdout
