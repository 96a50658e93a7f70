"""The pool through a real model: what is asked, what comes back, and that nothing vanishes."""

import hashlib
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from factories.tables import rows_of

from curation import tables
from curation.images.image_measures import Settings
from curation.images.store.model_input import ModelInput
from curation.params import Params
from curation.pool.identify_pool import Known, identify_pool, nameless
from curation.predict.calibration import Calibration
from curation.predict.model_lookup import Model, open_model
from curation.predict.score_parts import Parts
from curation.project import Project


@pytest.fixture
def known(tmp_path, picture, monkeypatch):
    """Forty pool images, one a copy of a labelled one; five unknown ones, a broken file, six labelled ones."""
    monkeypatch.chdir(tmp_path)
    images, selection, duplicates = [], [], []
    for number in range(51):
        source = "unlabelled" if number < 40 else "raw"
        truth = ["red", "green", "blue"][number % 3]
        label = "" if number < 40 else "unknown" if number < 45 else truth
        path = picture(tmp_path / "data" / source / f"{number}.png", truth, number).relative_to(tmp_path)
        image_id = hashlib.md5(path.read_bytes()).hexdigest()
        facts = {"image_id": image_id, "source": source, "label": label, "path": path.as_posix()}
        state = "pool" if number < 40 else "unknown" if number < 45 else "kept"
        images.append(facts | {"blur": 1.0})
        selection.append(facts | {"state": state})
        duplicates.append({"image_id": image_id, "keeper": image_id, "leak_group": image_id})
    images.append({"image_id": "f" * 32, "source": "unlabelled", "path": "data/unlabelled/x.png", "error": "cut short"})
    selection.append({"image_id": "f" * 32, "source": "unlabelled", "state": "dropped"})
    duplicates[0]["leak_group"] = duplicates[45]["leak_group"]
    return Known(
        rows_of(tables.IMAGES, images),
        rows_of(tables.DUPLICATES, duplicates),
        rows_of(tables.SELECTION, selection),
    )


def params() -> Params:
    return Params.model_validate({"identify": {"workers": 1, "batch_size": 16}})


def test_every_nameless_image_has_a_row_and_the_colours_are_told(known, checkpoint, tmp_path):
    found = identify_pool(known, open_model(checkpoint), params(), Project(tmp_path))
    assert set(found.image_id) == set(nameless(known.images, known.selection).image_id)
    assert len(found) == 46
    assert found.set_index("image_id").error["f" * 32] == "cut short"
    truth = found.path.map(
        lambda path: ["red", "green", "blue"][int(path.split("/")[-1][:-4]) % 3] if "x" not in path else ""
    )
    seen = found.error == ""
    assert (found.label[seen] == truth[seen]).mean() > 0.9
    assert (found.source == "unknown").sum() == 5
    assert (found.near_duplicate_of != "").sum() == 1
    tables.write(found, tmp_path / "out.parquet", tables.IDENTIFIED)
    assert len(tables.read(tmp_path / "out.parquet", tables.IDENTIFIED)) == 46


def test_a_second_run_scores_nothing_and_says_the_same(known, checkpoint, tmp_path, monkeypatch):
    model = open_model(checkpoint)
    first = identify_pool(known, model, params(), Project(tmp_path))
    monkeypatch.setattr("curation.model.scorer.Scorer", None)
    second = identify_pool(known, model, params(), Project(tmp_path))
    pd.testing.assert_frame_equal(first, second)


def test_a_run_that_was_killed_goes_on_and_ends_the_same(known, checkpoint, tmp_path):
    model = open_model(checkpoint)
    whole = identify_pool(known, model, params(), Project(tmp_path))
    cache = Parts.of(Project(tmp_path).cache("identify"), model, Settings.of(params()), "pool").folder
    batches = sorted(cache.glob("part-*.parquet"))
    assert len(batches) == 3
    shutil.copy(batches[0], cache / "part-0.partial")
    batches[1].unlink()
    tables.write(whole, tmp_path / "a.parquet", tables.IDENTIFIED)
    tables.write(identify_pool(known, model, params(), Project(tmp_path)), tmp_path / "b.parquet", tables.IDENTIFIED)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert not list(cache.glob("*.partial"))


def test_the_columns_that_are_read_are_those_that_are_used(known, tmp_path):
    for name in ("images", "duplicates", "selection"):
        Project(tmp_path).write_table(getattr(known, name), getattr(tables, name.upper()))
    read = Known.read(Project(tmp_path))
    assert set(nameless(read.images, read.selection).image_id) == set(nameless(known.images, known.selection).image_id)
    few = replace(known, images=known.images[known.images.error != ""])
    model = Model(tmp_path, "0" * 32, (), ModelInput(16), Calibration(()))
    assert identify_pool(few, model, params(), Project(tmp_path)).error.tolist() == ["cut short"]


def test_an_empty_pool_gives_an_empty_table(known, checkpoint, tmp_path):
    labelled = known.images.label.isin(["red", "green", "blue"])
    only = Known(known.images[labelled], known.duplicates, known.selection)
    found = identify_pool(only, open_model(checkpoint), params(), Project(tmp_path))
    tables.write(found, tmp_path / "out.parquet", tables.IDENTIFIED)
    assert not len(found)


def test_only_the_calibration_that_names_the_model_is_used(checkpoint, tmp_path):
    file, other = tmp_path / "calibration.json", Calibration(("blue", "green", "red"))
    other.write(file)
    assert not open_model(checkpoint, file).calibrated
    replace(other, model=open_model(checkpoint).digest).write(file)
    assert open_model(checkpoint, file).calibrated
