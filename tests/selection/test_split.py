"""Splits: fractions, minimum counts, groups, lineage, folds, and what more images may change."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from factories import tables as made
from factories.reviews import log_of
from pydantic import ValidationError

from curation.params import Params
from curation.selection import hash_buckets, split_minimums
from curation.selection.cutoff import select
from curation.selection.group_splits import choose_splits
from curation.selection.split import split
from curation.selection.split_check import Round, verdicts
from curation.tables.codes import MODEL_SPLITS

ID = made.image_id


def params_of(**values):
    return Params.model_validate({"cutoff": {"min": 1, "max": 100_000}, "split": values})


def chosen(rows, leaks=None, log=()):
    images = made.images(rows)
    return select(images, made.duplicates(images, None, leaks), log_of(list(log)), params_of())


def many(number, **values):
    return [{"name": f"{values}{n}", **values} for n in range(number)]


def splits_of(selection, lineage=None, **values):
    return split(selection, params_of(**values), lineage or {}).set_index("image_id")


def test_hash_buckets_are_uniform_independent_and_the_same_beside_any_others():
    ids = pd.Series([ID(n) for n in range(20_000)])
    buckets = hash_buckets.buckets(ids, "a")
    assert np.abs(np.histogram(buckets, 10, (0, 1))[0] / 2_000 - 1).max() < 0.1
    assert abs(np.corrcoef(buckets, hash_buckets.buckets(ids, "b"))[0, 1]) < 0.03
    assert (hash_buckets.buckets(ids[::-1][:50], "a") == buckets[::-1][:50]).all()
    assert len(set(hash_buckets.buckets(["ä" * 40, "ä" * 41, "", "a"], "a"))) == 4


def test_a_round_that_keeps_no_image_breaks_no_promise():
    images, params = made.images(many(5, label="a")), Params.model_validate({"cutoff": {"min": 20}})
    duplicates = made.duplicates(images)
    selection = select(images, duplicates, log_of(), params)
    assert not (selection["state"] == "kept").any()
    found = Round(images, duplicates, selection, split(selection, params, {}), params, {})
    assert all(verdict.holds for verdict in verdicts(found))


def test_fractions_hold_overall_and_in_every_class():
    rows = [row for label in "abcdefgh" for row in many(1500, label=label)]
    found = splits_of(chosen(rows), val=0.2, test=0.1, benchmark=0.05)
    for name, share in (("val", 0.2), ("test", 0.1), ("benchmark", 0.05), ("train", 0.65)):
        assert abs((found["split"] == name).mean() - share) < 0.01
        counts = found[found["split"] == name].groupby("label").size()
        assert (counts - 1500 * share).abs().max() < 3.5 * np.sqrt(1500 * share * (1 - share))


@pytest.mark.parametrize("mixed", ["out", "follow"])
def test_minimum_counts_are_met_in_classes_and_their_images_come_from_train(mixed):
    rows = [row for label in range(40) for row in many(40, label=f"class {label}")]
    found = splits_of(chosen(rows), mixed=mixed, min_val=6, min_test=7)
    counts = found.groupby(["label", "split"]).size().unstack(fill_value=0)
    assert counts["val"].min() >= 6
    assert counts["test"].min() >= 7
    assert found.loc[found["basis"] == "minimum", "split"].isin(["val", "test"]).all()


def test_the_k_nearest_only_ever_get_fewer():
    """Sen's alpha: who is taken from a larger class would also be in val or test in the smaller one."""
    rng = np.random.default_rng(0)
    taken = []
    buckets = rng.random(200)
    for number in (20, 40, 80, 200):
        labels = np.zeros(number, dtype=np.int64)
        subs = np.arange(number, dtype=np.int64) % 3 - 1
        by_bucket = hash_buckets.SplitRanges(0.1, 0.15, 0.25).splits(buckets[:number])
        config = Params.model_validate({"split": {"val": 0.1, "test": 0.1, "benchmark": 0.05}}).split
        free = np.ones(number, dtype=bool)
        least = (np.array([9]), np.array([9]))
        topped = split_minimums.top_up(buckets[:number], by_bucket, free, (labels, subs), least, config)
        taken.append(topped[:20])
    assert all(
        (taken[0] == side).sum() > (taken[-1] == side).sum() for side in (split_minimums.VAL, split_minimums.TEST)
    )
    for earlier, later in pairwise(taken):
        changed = earlier != later
        assert (later[changed] == hash_buckets.TRAIN).all()


def test_more_images_move_none_into_val_test_or_benchmark():
    rows = [row for label in "abcdefghij" for row in many(60, label=label, subclass="x")]
    more = rows + [row for label in "abcdefghij" for row in many(9, label=label, subclass="y")]
    old, new = splits_of(chosen(rows)), splits_of(chosen(more))
    both = old.join(new[["split"]].rename(columns={"split": "now"}))
    moved = both[both["split"] != both["now"]]
    assert set(moved["basis"]) <= {"minimum"}
    assert set(moved["now"]) <= {"train"}


@pytest.mark.parametrize("mixed", ["out", "follow"])
def test_no_group_is_in_two_splits_and_follow_loses_no_image(mixed):
    rows = many(3000)
    leaks = {ID(row["name"]): str(n // 3) for n, row in enumerate(rows)}
    found = splits_of(chosen(rows, leaks), mixed=mixed)
    inside = found[found["split"].isin(MODEL_SPLITS)]
    assert inside.groupby("leak_group")["split"].nunique().max() == 1
    assert (found["split"] == "out").any() == (mixed == "out")
    shares = inside["split"].value_counts(normalize=True)
    assert abs(shares["train"] - 0.65) < 0.04
    assert inside.groupby("leak_group")["fold"].nunique().max() == 1


def test_the_split_of_a_group_keeps_the_fractions():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(20_000), 2)
    by_bucket = np.tile([hash_buckets.TRAIN, hash_buckets.VAL], 20_000)
    config = Params.model_validate({"split": {"val": 0.15, "test": 0.15, "benchmark": 0.05}}).split
    chosen_splits = choose_splits(groups, by_bucket, np.ones(40_000, dtype=bool), rng.random(40_000), config)
    assert abs((chosen_splits == hash_buckets.VAL).mean() - 0.65 / 0.8) < 0.02


def test_staged_images_are_only_trained_on_or_stay_out():
    rows = many(200) + many(100, origin="staged") + many(50, origin="synthetic")
    leaks = {ID(row["name"]): str(n % 200) for n, row in enumerate(rows)}
    found = splits_of(chosen(rows, leaks))
    assert set(found.loc[found["origin"] != "real", "split"]) == {"train", "out"}
    assert (found["reason"] != "").all()


def test_splits_of_earlier_models_are_kept_whatever_else_changes():
    selection = chosen([row for label in "abc" for row in many(200, label=label)])
    first = splits_of(selection)
    lineage = first["split"].to_dict()
    second = splits_of(selection, lineage, val=0.3, test=0.05, salt="another", mixed="follow")
    assert (first["split"] == second["split"]).all()
    assert set(second["basis"]) == {"lineage"}


@pytest.mark.parametrize(
    ("earlier", "expected"), [("train", "train"), ("val", "val"), ("test", "test"), ("benchmark", "out")]
)
def test_a_new_copy_follows_the_old_image(earlier, expected):
    rows = many(20)
    old, new = ID(rows[0]["name"]), ID(rows[1]["name"])
    found = splits_of(chosen(rows, {old: "g", new: "g"}), {old: earlier})
    assert found.loc[old, "split"] == earlier
    assert found.loc[new, "split"] == expected


def test_copies_that_an_earlier_model_had_in_two_splits_are_separated():
    rows = many(20)
    names = [ID(row["name"]) for row in rows[:3]]
    found = splits_of(chosen(rows, dict.fromkeys(names, "g")), {names[0]: "train", names[1]: "test"})
    assert [found.loc[name, "split"] for name in names] == ["train", "out", "train"]


def test_the_frozen_benchmark_stays_when_its_class_is_gone_or_a_better_copy_came():
    rows = many(50) + many(3, label="b")
    images = made.images(rows)
    lost, beaten, better = ID(rows[-1]["name"]), ID(rows[0]["name"]), ID(rows[1]["name"])
    params = Params.model_validate({"cutoff": {"min": 10}})
    selection = select(images, made.duplicates(images, {beaten: better}), log_of(), params)
    found = split(selection, params, {lost: "benchmark", beaten: "benchmark"}).set_index("image_id")
    assert found.loc[[lost, beaten], "split"].tolist() == ["benchmark"] * 2
    assert found.loc[[lost, beaten], "benchmark_set"].tolist() == ["frozen"] * 2
    assert found.loc[better, "split"] == "out"


def test_nothing_an_earlier_model_was_trained_on_becomes_a_benchmark():
    rows = many(20) + many(2, source="benchmark", benchmark_set="hard")
    trained_on, clean = ID(rows[-1]["name"]), ID(rows[-2]["name"])
    found = splits_of(chosen(rows), {trained_on: "train"})
    assert found.loc[trained_on, "split"] == "out"
    assert found.loc[clean, ["split", "benchmark_set", "basis"]].tolist() == ["benchmark", "hard", "hand-made"]


def test_folds_are_even_in_every_class():
    found = splits_of(chosen([row for label in "abcde" for row in many(100, label=label)]), folds=4)
    train = found[found["split"] == "train"]
    counts = train.groupby(["label", "fold"]).size().unstack()
    assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 1
    assert (found.loc[found["split"] != "train", "fold"] == -1).all()
    assert (splits_of(chosen(many(20)), folds=0)["fold"] == -1).all()


def test_fractions_that_leave_nothing_to_train_on_are_refused():
    with pytest.raises(ValidationError, match="leave nothing to train on"):
        params_of(val=0.5, test=0.5)


def test_a_collection_without_a_kept_image_is_no_error():
    images = made.images(many(3))
    selection = select(images, made.duplicates(images), log_of(), Params())
    assert split(selection, Params(), {}).empty
