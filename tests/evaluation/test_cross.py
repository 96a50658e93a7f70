"""Cross-training on request: real models on pictures of three colours, two of which carry a wrong label."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from curation import tables
from curation.evaluation.label_errors.cross_training import FoldsError, cross_train, recipe_of, stacked
from curation.images.store.pixel_store import write_store
from curation.images.store.pixels import Pixels
from curation.model import checkpoint
from curation.model.base_model import make_backbone
from curation.model.header import Header
from curation.params.loading import parse

COLOURS = {"cherry": (200, 30, 40), "leaf": (40, 180, 60), "sky": (60, 90, 220)}
PLAIN = {"arch": "resnet18", "image_size": 16, "lr": 0.01, "batch_size": 8, "epochs": 8}


def paint(root):
    draw, rows = np.random.default_rng(0), []
    for label, colour in COLOURS.items():
        for number in range(24):
            path = root / f"{label}-{number}.png"
            noisy = np.array(colour) + draw.normal(0, 30, (16, 16, 3))
            Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(path)
            image_id = hashlib.md5(path.read_bytes()).hexdigest()
            split = "val" if number < 4 else "train"
            rows.append((image_id, str(path), label, split, number % 3 if split == "train" else -1))
    frame = pd.DataFrame(rows, columns=["image_id", "path", "label", "split", "fold"]).sort_values("image_id")
    return frame.assign(subclass="", small=False, turn=0).reset_index(drop=True)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp("cross")
    frame = paint(root)
    params = parse({**PLAIN, "base_model": str(root / "backbone.safetensors"), "train": {"device": "cpu"}})
    write_store(frame[["image_id", "path", "turn"]], root / "pixels", root / "cache", 16, params.resize)
    make_backbone(params, Path(params.base_model))
    return root, frame, Pixels(root / "pixels"), params


@pytest.mark.slow
def test_a_wrong_label_is_seen_by_the_model_that_did_not_learn_it(toy, tmp_path):
    _, frame, pixels, params = toy
    wrong = frame.index[(frame.label == "leaf") & (frame.split == "train")][:2]
    given = frame.assign(label=frame.label.where(~frame.index.isin(wrong), "sky"))
    tables.write(cross_train(given, pixels, params, tmp_path), tmp_path / "c.parquet", tables.CROSS_TRAINED)
    told = stacked(tables.read(tmp_path / "c.parquet", tables.CROSS_TRAINED), frame.image_id, 3)
    assert told.sum(axis=1) == pytest.approx(1, abs=0.01)
    classes = np.array(list(COLOURS))
    assert (classes[told.argmax(axis=1)] == frame.label).mean() > 0.9
    assert (classes[told[wrong].argmax(axis=1)] == "leaf").all()


def test_a_base_that_learnt_these_images_is_not_started_from(toy, tmp_path):
    root, frame, _, params = toy
    assert recipe_of(frame, params, tmp_path).base_model == params.base_model
    header, state = checkpoint.load(root / "backbone.safetensors")
    knows = Header(**{**vars(header), "lineage": {frame.image_id[0]: "train"}})
    checkpoint.save(root / "knows.safetensors", state, knows)
    recipe = recipe_of(frame, params.model_copy(update={"base_model": str(root / "knows.safetensors")}), tmp_path)
    assert recipe.base_model == str(tmp_path / "backbone.safetensors")
    assert checkpoint.md5(tmp_path / "backbone.safetensors") == checkpoint.md5(root / "backbone.safetensors")


def test_without_folds_the_message_names_the_key(toy, tmp_path):
    _, frame, pixels, params = toy
    with pytest.raises(FoldsError, match=r"split\.folds"):
        cross_train(frame.assign(fold=-1), pixels, params, tmp_path)


def test_images_without_an_answer_have_none():
    table = pd.DataFrame({"image_id": ["b"], "probabilities": [np.array([0.25, 0.75], "<f2").tobytes()]})
    found = stacked(table, pd.Series(["a", "b"]), 2)
    assert np.isnan(found[0]).all()
    assert found[1].tolist() == [0.25, 0.75]
    assert stacked(table.iloc[:0], pd.Series(["a"]), 2) is None
