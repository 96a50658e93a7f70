import numpy as np
import pandas as pd
import pytest

from curation.predict.proportions import effective_size
from curation.tuning.cross_validation import FoldCountError, cross_validate
from curation.tuning.curve_range import curve_rows
from curation.tuning.learning_curve import EVERYTHING, Curve, learning_curve, nested_part
from curation.tuning.power_law import CurveError, Law, expected, fit_law


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


def test_a_curve_has_a_row_for_every_size_and_class(toy, tmp_path):
    curve = learning_curve(toy.splits, toy.pixels, toy.params.model_copy(update={"epochs": 1}), (3, 2), tmp_path)
    assert curve.images == {EVERYTHING: [6, 9, 36], "cherry": [2, 3, 12], "leaf": [2, 3, 12], "sky": [2, 3, 12]}
    assert curve.right.shape == (2, 3, (toy.splits["split"] == "val").sum())
    found = pd.concat([curve_rows(curve, name, 0) for name in curve.images])
    measured = found[found["basis"] == "measured"]
    classes = measured[measured["class"] != EVERYTHING].groupby("images")["accuracy"].mean()  # val has as many of each
    whole = measured.loc[measured["class"] == EVERYTHING, "accuracy"].tolist()
    assert whole == pytest.approx(classes.tolist())
    assert (found["low"] <= found["accuracy"].fillna(found["fitted"]) + 1e-9).all()
    assert (found["high"] >= found["accuracy"].fillna(found["fitted"]) - 1e-9).all()
    assert found.loc[found["basis"] == "4 times", "images"].tolist() == [144, 48, 48, 48]


def drawn_curve(law: Law, seeds: int, groups: int, rng: np.random.Generator) -> Curve:
    """Answers on groups of two images that are right or wrong together, of models whose errors follow the law."""
    images = [100, 200, 400, 800, 1600]
    hard = np.repeat(rng.random(groups), 2)
    luck = rng.normal(0, 0.008, (seeds, len(images)))
    accuracy = np.array([law.accuracy(size) for size in images])[None] + luck
    right = hard[None, None] < accuracy[..., None]
    alike = np.zeros(2 * groups, np.int64)
    return Curve({EVERYTHING: images}, right, alike, np.arange(2 * groups) // 2, ("a",), False, "")


def test_the_range_holds_the_true_gain_and_counts_groups_not_images():
    law, draws, held = Law(0.04, 1.2, 0.45), 60, 0
    for draw in range(draws):
        rows = curve_rows(drawn_curve(law, 3, 150, np.random.default_rng(draw)), EVERYTHING, draw).set_index("basis")
        told = rows.loc["4 times"]
        assert told["gain_low"] <= told["gain"] <= told["gain_high"]
        held += told["gain_low"] <= law.accuracy(6400) - law.accuracy(1600) <= told["gain_high"]
        held += told["low"] <= law.accuracy(6400) <= told["high"]
    assert held >= 0.9 * 2 * draws
    curve = drawn_curve(law, 1, 150, np.random.default_rng(0))
    point = curve_rows(curve, EVERYTHING, 0).iloc[0]
    worth = effective_size(curve.right[0, 0].astype(float), curve.groups)
    assert worth < 200
    assert point["high"] - point["low"] > 3.6 * np.sqrt(point["accuracy"] * (1 - point["accuracy"]) / 200)


def test_many_curves_are_fitted_as_one_by_one():
    sizes = np.array([50.0, 100, 400, 1000])
    told = np.random.default_rng(0).uniform(0.5, 0.95, (20, 4)).cumsum(axis=1).clip(0, 4) / 4
    wanted = np.array([2000.0, 4000.0])
    alone = [[fit_law(sizes, row).accuracy(size) for size in wanted] for row in told]
    np.testing.assert_allclose(expected(sizes, told, wanted), alone, atol=1e-9)


def test_every_train_image_is_judged_by_a_model_that_has_not_seen_it(toy, tmp_path):
    one_epoch = toy.params.model_copy(update={"epochs": 1})
    found = cross_validate(toy.splits, toy.pixels, one_epoch, tmp_path).predictions
    train = toy.splits[toy.splits["split"] == "train"]
    assert found["image_id"].tolist() == train["image_id"].tolist()
    assert found["fold"].tolist() == train["fold"].tolist()
    other = toy.splits["label"].map({"cherry": "leaf", "leaf": "sky", "sky": "cherry"})
    hidden = toy.splits["fold"] == 0
    mixed = toy.splits.assign(label=toy.splits["label"].mask(hidden, other))
    again = cross_validate(mixed, toy.pixels, one_epoch, tmp_path).predictions
    answers = [frame.loc[frame["fold"] == 0, ["predicted", "confidence"]] for frame in (found, again)]
    pd.testing.assert_frame_equal(*answers)
    assert not found.loc[found["fold"] == 1, "confidence"].equals(again.loc[again["fold"] == 1, "confidence"])
    with pytest.raises(FoldCountError, match="fewer than 2 folds"):
        cross_validate(toy.splits.assign(fold=-1), toy.pixels, toy.params, tmp_path)
