"""`curate split`: the proof on the tables, today and between revisions, and that a broken promise is found."""

import json
from pathlib import Path

import pandas as pd
import pytest
from factories import tables as made
from factories.projects import Repository
from factories.reviews import log_of
from typer.testing import CliRunner

from curation import tables
from curation.cli.main import app
from curation.model.header import Header, encode
from curation.params import Params
from curation.selection.cutoff import select
from curation.selection.split import split

ID = made.image_id
TABLES = ["images", "duplicates", "selection", "splits"]


def write_round(number, lineage=None):
    """Tables, params.yaml and a base model of `number` images."""
    params = Params.model_validate({"cutoff": {"min": 1}})
    images = made.images([{"name": n, "label": "ab"[n % 2]} for n in range(number)])
    duplicates = made.duplicates(images)
    selection = select(images, duplicates, log_of(), params)
    splits = split(selection, params, lineage or {})
    for name, frame in zip(TABLES, [images, duplicates, selection, splits], strict=True):
        tables.write(frame, Path(f"data/{name}.parquet"), getattr(tables, name.upper()))
    Path("params.yaml").write_text("cutoff: {min: 1}\n")
    Path("dvc.yaml").touch()
    write_model(lineage or {})
    return splits


def write_model(lineage):
    header = Header("resnet18", ("a", "b"), 32, (0.5,) * 3, (0.5,) * 3, lineage=lineage)
    text = json.dumps({"__metadata__": encode(header)}).encode()
    Path("models").mkdir(exist_ok=True)
    Path("models/backbone.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)


def run(*words):
    return CliRunner().invoke(app, ["split", *words])


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return write_round(200)


def test_the_sides_of_every_class_are_shown(project):
    rows = json.loads(run("--json").stdout)
    assert [row["label"] for row in rows] == ["a", "b"]
    assert sum(row[side] for row in rows for side in ("train", "val", "test", "benchmark", "out")) == 200


def test_a_round_that_keeps_its_promises_passes(project):
    found = run("--check")
    assert found.exit_code == 0, found.output
    assert "no leak group is in two splits" in found.stdout


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (lambda s: s.assign(leak_group="same"), "no leak group is in two splits"),
        (lambda s: s.assign(origin="staged"), "staged and synthetic images are only trained on"),
        (lambda s: s.assign(reason=""), "every row of the splits has a reason"),
        (lambda s: s.iloc[5:], "every image that can be scored has a split"),
        (lambda s: s.assign(label="unknown"), "nothing unknown is trained on"),
    ],
)
def test_a_broken_promise_is_found(project, damage, rule):
    tables.write(damage(project), Path("data/splits.parquet"), tables.SPLITS)
    found = run("--check", "--json")
    broken = {row["rule"] for row in json.loads(found.stdout)["rules"] if row["broken"]}
    assert found.exit_code == 1
    assert rule in broken


@pytest.mark.parametrize(
    ("side", "rule"),
    [
        ("train", "nothing an earlier model was trained on is scored"),
        ("test", "val and test images of earlier models stay there"),
        ("benchmark", "the benchmark of earlier models is whole"),
    ],
)
def test_the_lineage_of_the_base_model_is_held_against_the_splits(project, side, rule):
    write_model(dict.fromkeys(project.loc[project["split"] == "val", "image_id"], side))
    broken = {row["rule"] for row in json.loads(run("--check", "--json").stdout)["rules"] if row["broken"]}
    assert rule in broken


def test_between_two_revisions_it_says_who_moved_and_why(project):
    files = [f"data/{name}.parquet" for name in TABLES] + ["models/backbone.safetensors"]
    one = Repository.start(Path.cwd())
    for number in (200, 260):
        write_round(number)
        one.run("dvc", "add", "-q", *files)
        one.commit(f"{number} images")
    write_round(100)
    grown = json.loads(run("--check", "HEAD~1", "HEAD", "--json").stdout)
    assert {row["revision"] for row in grown["rules"]} == {"HEAD~1", "HEAD"}
    assert not any(row["broken"] for row in grown["rules"])
    assert {(row["before"], row["after"]) for row in grown["changes"]} <= {("val", "train"), ("test", "train")}
    shrunk = pd.DataFrame(json.loads(run("--check", "HEAD", "--json").stdout)["changes"])
    assert (shrunk["after"] == "absent").sum() == 160
    assert "no longer in the collection" in run("--check", "HEAD").stdout
    assert "git knows no revision `nosuch`" in run("--check", "nosuch").stderr
