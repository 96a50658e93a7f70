"""After a promotion the base model has learnt all of train: nothing that is left out may be predicted from it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories.models import settings

from curation.evaluation.label_errors.cross_training import recipe_of
from curation.model import checkpoint
from curation.model.base_model import make_backbone
from curation.model.header import Header, read_header
from curation.model.training.train_candidate import train
from curation.predict.held_out import train_and_predict, unseen_start
from curation.tuning.cross_validation import cross_validate
from curation.tuning.learning_curve import learning_curve


@pytest.fixture(scope="module")
def promoted(toy, tmp_path_factory):
    """Parameters whose base model was trained on all of train, on random labels that nobody could guess."""
    folder = tmp_path_factory.mktemp("promoted")
    still = {"flip": 0, "rotate": 0, "zoom_in": 0, "zoom_out": 0}
    recipe = {"arch": "resnet18", "batch_size": 36}
    start = {**recipe, "base_model": str(folder / "backbone.safetensors")}
    params = settings(toy.root, epochs=30, lr=0.002, train={"augment": still, "label_smoothing": 0}, **start)
    make_backbone(params, Path(params.base_model))
    seen = guessed(toy.splits)
    seen = seen[seen["split"] == "train"]  # without val the last epoch is taken
    train(seen, toy.pixels, params, folder / "base.safetensors", folder / "report", folder / "caches")
    more = {**recipe, "base_model": str(folder / "base.safetensors")}
    return settings(toy.root, epochs=1, lr=1e-6, train={"head": "reuse", "augment": still}, **more)


def guessed(splits: pd.DataFrame) -> pd.DataFrame:
    """The splits with labels that no pixel tells."""
    labels = np.random.default_rng(7).permutation(splits["label"].to_numpy())
    return splits.assign(label=labels)


@pytest.mark.slow
def test_no_fold_is_predicted_by_a_body_that_learnt_it(toy, promoted, tmp_path):
    splits = guessed(toy.splits)
    rows = splits[splits["split"] == "train"]
    assert set(rows["image_id"]) <= {one for one, split in read_header_lineage(promoted) if split == "train"}
    fold = rows["fold"] == 0
    leaking = train_and_predict(rows[~fold], rows[fold], ("cherry", "leaf", "sky"), toy.pixels, promoted)
    assert leaking.right.mean() > 0.9  # it remembers labels that can't be guessed
    found = cross_validate(splits, toy.pixels, promoted, tmp_path)
    assert found.cold
    assert "36 of these 36 images" in found.start
    assert (found.predictions["predicted"] == found.predictions["label"]).mean() < 0.55
    curve = learning_curve(splits, toy.pixels, promoted, (3, 1), tmp_path)
    assert curve.cold
    assert curve.right.mean() < 0.7


def read_header_lineage(params):
    """The lineage of the base model, as pairs."""
    return read_header(Path(params.base_model)).lineage.items()


@pytest.mark.parametrize("split", ["train", "val"])
def test_every_training_on_left_out_images_starts_from_weights_without_a_past(toy, tmp_path, split):
    header, state = checkpoint.load(toy.base())
    for image_id in (toy.splits.image_id[0], "0" * 32):  # one of these, and one that may be a copy of one of these
        knows = Header(**{**vars(header), "lineage": {image_id: split}})
        checkpoint.save(tmp_path / "knows.safetensors", state, knows)
        params = toy.params.model_copy(update={"base_model": str(tmp_path / "knows.safetensors")})
        start = unseen_start(toy.splits["image_id"], params, tmp_path)
        assert start.cold
        assert not read_header(Path(start.params.base_model)).lineage
        assert recipe_of(toy.splits, params, tmp_path).base_model == start.params.base_model
    only_tested = Header(**{**vars(header), "lineage": {toy.splits.image_id[0]: "test"}})
    checkpoint.save(tmp_path / "tested.safetensors", state, only_tested)
    params = toy.params.model_copy(update={"base_model": str(tmp_path / "tested.safetensors")})
    assert not unseen_start(toy.splits["image_id"], params, tmp_path).cold
