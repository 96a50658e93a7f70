"""Warnings before harm stand in the report, on the page of dedupe and in the summary, with pictures and a setting."""

import json
import shutil

import pandas as pd
import pytest
from factories import tables as made
from factories.pictures import write_patch
from typer.testing import CliRunner

from curation import tables
from curation.cli.main import app
from curation.params.blocks import Dedupe
from curation.project import Project
from curation.report.duplicates_page import report, warning_sections, write_report
from curation.report.round_page import write_report as write_round_report
from curation.report.summary import in_numbers, warned
from curation.selection.copies import losses

ID = made.image_id


@pytest.fixture
def harmed(project, tmp_path):
    """The round, with a class that loses a tenth to copies, and one that only the benchmark has."""
    root = tmp_path / "harmed"
    shutil.copytree(project, root)
    selection = pd.read_parquet(root / "data/selection.parquet")
    apes = selection.index[(selection["label"] == "ape") & (selection.index > 0)][:12]
    selection.loc[apes, ["state", "reason_code", "reason"]] = ["dropped", "copy", "copy of another"]
    selection.loc[0, ["source", "state", "label", "benchmark_set"]] = ["benchmark", "benchmark", "gazelle", "hard"]
    tables.write(selection, root / "data/selection.parquet", tables.SELECTION)
    return root


def test_the_report_begins_with_the_warnings_and_their_pictures(harmed, text):
    assert "Look at this first" not in text
    write_round_report(Project(harmed), harmed / "out.html")
    page = (harmed / "out.html").read_text(encoding="utf-8")
    section = page.split('<section id="warnings"')[1].split("What became of every file")[0]
    for words in ("Class `ape` loses 12 of", "Class `gazelle` has 1 images in the benchmark", "NEW NAME", "dedupe"):
        assert words in section, words
    assert section.count("data:image/jpeg") >= losses.SHOWN + 1


def test_the_summary_says_the_same_and_names_a_picture(harmed, monkeypatch):
    numbers = in_numbers(Project(harmed))
    assert len(numbers["warnings"]) == len(warned(numbers)) >= 2
    assert all("(for example data/raw/" in line for line in warned(numbers))
    monkeypatch.chdir(harmed)
    (harmed / "dvc.yaml").touch()
    (harmed / "params.yaml").write_text("lr: 0.001\n")
    done = CliRunner().invoke(app, ["summary"])
    assert "warning: class `gazelle` has 1 images" in done.stderr
    assert len(done.stdout.splitlines()) == 5
    assert json.loads(CliRunner().invoke(app, ["summary", "--json"]).stdout)["warnings"] == numbers["warnings"]
    done = CliRunner().invoke(app, ["review", "status"])
    assert "warning: class `gazelle` has 1 images" in done.stderr


def test_the_page_of_dedupe_shows_what_a_class_loses_and_the_probable_marked_copies(tmp_path):
    images = made.images([{"name": n} for n in range(20)])
    for number, path in enumerate(images["path"]):
        write_patch(tmp_path / path, "red", number)
    duplicates = made.duplicates(images, {ID(n): ID(0) for n in range(1, 5)})
    duplicates.loc[duplicates["image_id"] == ID(9), "marked_copy_of"] = ID(8)
    config = Dedupe()
    found = losses.warnings(losses.expected(images, duplicates, config.policy), duplicates, config)
    told = report(images, duplicates)
    write_report(told, tmp_path, tmp_path / "out", ["one line"], warning_sections(found, images, tmp_path))
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert page.index("Warning: class `a` loses 4 of 20 images (20%) as copies") < page.index("copies: 4")
    assert "Probable marked copies: 1" in page
    assert told["marked"] == [{"path": "data/raw/a/9.png", "image_id": ID(9), "of": "data/raw/a/8.png", "of_id": ID(8)}]
    assert json.loads((tmp_path / "out/dedupe.json").read_text()) == told
