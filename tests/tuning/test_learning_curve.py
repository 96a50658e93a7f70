import pandas as pd
import pytest

from curation.tuning.cross_validation import FoldCountError, cross_validate
from curation.tuning.learning_curve import EVERYTHING, CurveError, Law, fit_law, learning_curve, nested_part


def test_parts_are_nested_balanced_and_do_not_depend_on_order(toy):
    train = toy.splits[toy.splits["split"] == "train"]
    half, quarter = nested_part(train, 0.5, 0), nested_part(train, 0.25, 0)
    assert set(quarter["image_id"]) < set(half["image_id"])
    assert half["label"].value_counts().tolist() == [6, 6, 6]
    assert set(nested_part(train.sample(frac=1, random_state=0), 0.5, 0)["image_id"]) == set(half["image_id"])
    assert len(nested_part(train, 1.0, 0)) == len(train)


def test_a_law_is_found_again():
    law = Law(0.05, 2.0, 0.5)
    sizes = [50, 100, 400, 1000, 5000]
    found = fit_law(sizes, [law.accuracy(size) for size in sizes])
    assert found.accuracy(20_000) == pytest.approx(law.accuracy(20_000), abs=0.005)
    with pytest.raises(CurveError, match="3 points"):
        fit_law([1, 2], [0.1, 0.2])


def test_a_curve_has_a_row_for_every_size_and_class(toy):
    found = learning_curve(toy.splits, toy.pixels, toy.params.model_copy(update={"epochs": 1}), 3)
    assert found["class"].value_counts().tolist() == [3, 3, 3, 3]
    assert found.loc[found["class"] == EVERYTHING, "images"].tolist() == [6, 9, 36]
    classes = found[found["class"] != EVERYTHING].groupby("images")["accuracy"].mean()  # val has as many of each
    assert found.loc[found["class"] == EVERYTHING, "accuracy"].tolist() == pytest.approx(classes.tolist())


def test_every_train_image_is_judged_by_a_model_that_has_not_seen_it(toy):
    one_epoch = toy.params.model_copy(update={"epochs": 1})
    found = cross_validate(toy.splits, toy.pixels, one_epoch)
    train = toy.splits[toy.splits["split"] == "train"]
    assert found["image_id"].tolist() == train["image_id"].tolist()
    assert found["fold"].tolist() == train["fold"].tolist()
    other = toy.splits["label"].map({"cherry": "leaf", "leaf": "sky", "sky": "cherry"})
    hidden = toy.splits["fold"] == 0
    again = cross_validate(toy.splits.assign(label=toy.splits["label"].mask(hidden, other)), toy.pixels, one_epoch)
    answers = [frame.loc[frame["fold"] == 0, ["predicted", "confidence"]] for frame in (found, again)]
    pd.testing.assert_frame_equal(*answers)
    assert not found.loc[found["fold"] == 1, "confidence"].equals(again.loc[again["fold"] == 1, "confidence"])
    with pytest.raises(FoldCountError, match="fewer than 2 folds"):
        cross_validate(toy.splits.assign(fold=-1), toy.pixels, toy.params)
