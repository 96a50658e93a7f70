"""Cross-training on request: real models on pictures of three colours, two of which carry a wrong label."""

import numpy as np
import pandas as pd
import pytest
from factories.models import COLOURS, make_toy

from curation import tables
from curation.evaluation.label_errors.cross_training import FoldsError, cross_train, recipe_of, stacked
from curation.model import checkpoint
from curation.model.header import Header


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    recipe = {"arch": "resnet18", "batch_size": 8, "epochs": 8}
    return make_toy(tmp_path_factory.mktemp("cross"), 24, **recipe)


@pytest.mark.slow
def test_a_wrong_label_is_seen_by_the_model_that_did_not_learn_it(toy, tmp_path):
    frame, params = toy.splits, toy.params
    wrong = frame.index[(frame.label == "leaf") & (frame.split == "train")][:2]
    given = frame.assign(label=frame.label.where(~frame.index.isin(wrong), "sky"))
    tables.write(cross_train(given, toy.pixels, params, tmp_path), tmp_path / "c.parquet", tables.CROSS_TRAINED)
    told = stacked(tables.read(tmp_path / "c.parquet", tables.CROSS_TRAINED), frame.image_id, 3)
    assert told.sum(axis=1) == pytest.approx(1, abs=0.01)
    classes = np.array(list(COLOURS))
    assert (classes[told.argmax(axis=1)] == frame.label).mean() > 0.9
    assert (classes[told[wrong].argmax(axis=1)] == "leaf").all()


def test_a_base_that_learnt_these_images_is_not_started_from(toy, tmp_path):
    root, frame, params = toy.root, toy.splits, toy.params
    assert recipe_of(frame, params, tmp_path).base_model == params.base_model
    header, state = checkpoint.load(toy.base())
    knows = Header(**{**vars(header), "lineage": {frame.image_id[0]: "train"}})
    checkpoint.save(root / "knows.safetensors", state, knows)
    recipe = recipe_of(frame, params.model_copy(update={"base_model": str(root / "knows.safetensors")}), tmp_path)
    assert recipe.base_model == str(tmp_path / "backbone.safetensors")
    assert checkpoint.md5(tmp_path / "backbone.safetensors") == checkpoint.md5(toy.base())


def test_without_folds_the_message_names_the_key(toy, tmp_path):
    with pytest.raises(FoldsError, match=r"split\.folds"):
        cross_train(toy.splits.assign(fold=-1), toy.pixels, toy.params, tmp_path)


def test_images_without_an_answer_have_none():
    table = pd.DataFrame({"image_id": ["b"], "probabilities": [np.array([0.25, 0.75], "<f2").tobytes()]})
    found = stacked(table, pd.Series(["a", "b"]), 2)
    assert np.isnan(found[0]).all()
    assert found[1].tolist() == [0.25, 0.75]
    assert stacked(table.iloc[:0], pd.Series(["a"]), 2) is None
