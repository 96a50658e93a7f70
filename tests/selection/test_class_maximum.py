"""A class above its maximum: what is held out is a sample of the class as collected, whatever fills train."""

import numpy as np
import pandas as pd
import pytest
from factories import tables as made
from factories.reviews import log_of
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.params import Params, blocks
from curation.selection.cutoff import select
from curation.selection.hash_buckets import BENCHMARK, TEST, TRAIN, VAL
from curation.selection.maximum.held_out_places import held_out_places, splits_before_cut
from curation.selection.split import split
from curation.selection.split_check import Round, verdicts
from curation.tables.codes import MODEL_SPLITS

ID = made.image_id
MEASURED = ["val", "test", "benchmark"]


def params_of(most=100, keep="random", mixed="follow", **values):
    return Params.model_validate({"cutoff": {"min": 1, "max": most, "keep": keep}, "split": {"mixed": mixed, **values}})


def rows_of(number, near=0, **values):
    """Images of one class; the first `near` of them look nearly alike, so a choice of different ones avoids them."""
    rng = np.random.default_rng(0)
    alike = rng.bytes(64)
    return [
        {"name": f"i{place}", "label": "a", "hash": alike if place < near else rng.bytes(64), **values}
        for place in range(number)
    ]


def run(rows, params, leaks=None, lineage=None):
    images = made.images(rows)
    duplicates = made.duplicates(images, None, leaks)
    selection = select(images, duplicates, log_of(), params)
    splits = split(selection, params, lineage or {})
    found = Round(images, duplicates, selection, splits, params, lineage or {})
    assert [verdict.rule for verdict in verdicts(found) if not verdict.holds] == []
    return selection.set_index("image_id"), splits.set_index("image_id")


@given(
    splits=st.lists(st.sampled_from([TRAIN, VAL, TEST, BENCHMARK]), max_size=60),
    most=st.integers(1, 50),
    config=st.sampled_from(
        [{}, {"val": 0.4, "test": 0.4, "benchmark": 0.1}, {"val": 0.01, "benchmark": 0.9, "test": 0.01}]
    ),
    seed=st.integers(0, 9),
)
def test_places_are_filled_in_order_and_no_real_image_is_left_out_while_there_is_room(splits, most, config, seed):
    splits = np.array(splits, dtype=np.int64)
    place = np.random.default_rng(seed).random(len(splits))
    taken, train = held_out_places(splits, place, most, blocks.Split(**config))
    assert not taken[splits == TRAIN].any()
    assert 0 <= train <= (splits == TRAIN).sum()
    assert taken.sum() + train == min(most, len(splits))
    for one in (VAL, TEST, BENCHMARK):
        inside, outside = place[taken & (splits == one)], place[~taken & (splits == one)]
        assert not len(inside) or not len(outside) or inside.max() < outside.min()


@settings(max_examples=20, deadline=None)
@given(number=st.integers(20, 60), more=st.integers(1, 60), most=st.integers(8, 40), seed=st.integers(0, 99))
def test_more_images_only_ever_move_held_out_images_to_the_reserve(number, more, most, seed):
    """Of a class above its maximum no image comes back from the reserve into val, test or benchmark, or from train."""
    params = params_of(most, salt=str(seed), min_val=0, min_test=0)
    before, after = (run(rows_of(count), params)[1]["split"] for count in (number, number + more))
    old = before[before.index]
    new = after.reindex(before.index)
    moved = pd.crosstab(old, new)
    assert set(moved.columns[(moved.loc[[one for one in MEASURED if one in moved.index]] > 0).any()]) <= {
        *MEASURED,
        "reserve",
    }
    for one in MEASURED:
        assert set(old[new == one]) <= {one}


@pytest.mark.parametrize("keep", ["random", "diverse"])
def test_each_image_of_a_full_class_has_the_same_chance_to_be_measured_on(keep):
    """Half of 120 images look alike; over 60 salts they are in test as often as the others, and less often in train."""
    rows = rows_of(120, near=60)
    alike = {ID(f"i{place}") for place in range(60)}
    shares = {"test": [], "train": []}
    for salt in range(60):
        splits = run(rows, params_of(40, keep, salt=str(salt), min_val=0, min_test=0))[1]
        for name, found in shares.items():
            ids = splits.index[splits["split"] == name]
            found.append(np.mean([image in alike for image in ids]))
    error = np.std(shares["test"]) / np.sqrt(60)
    assert abs(np.mean(shares["test"]) - 0.5) < 4 * error
    assert (np.mean(shares["train"]) < 0.3) == (keep == "diverse")


def test_the_maximum_is_shared_between_the_splits_and_the_reason_says_which_share_is_full():
    selection, splits = run(rows_of(1000), params_of(100))
    assert splits["split"].value_counts().to_dict() == {
        "reserve": 900,
        "train": 65,
        "val": 15,
        "test": 15,
        "benchmark": 5,
    }
    reasons = selection.loc[selection["state"] == "reserve", "reason"].value_counts()
    assert set(reasons.index) == {
        "class `a` is full at 100" + share for share in ("", *(f", and so is its share of {name}" for name in MEASURED))
    }


def test_a_class_just_above_its_maximum_loses_only_what_is_above():
    for number in (100, 101, 105, 120):
        selection, _ = run(rows_of(number), params_of(100))
        assert (selection["state"] == "kept").sum() == 100


def test_staged_images_fill_what_real_ones_leave_and_are_never_held_out():
    rows = rows_of(50) + [{**row, "name": f"s{row['name']}", "origin": "staged"} for row in rows_of(200)]
    selection, splits = run(rows, params_of(100))
    kept = selection[selection["state"] == "kept"]["origin"].value_counts().to_dict()
    assert kept == {"real": 50, "staged": 50}
    assert set(splits.loc[splits["origin"] == "staged", "split"]) == {"train", "reserve"}


@settings(max_examples=15, deadline=None)
@given(size=st.integers(2, 6), seed=st.integers(0, 99), known=st.integers(0, 30))
def test_a_leak_group_is_measured_on_as_a_whole_and_split_agrees_with_the_cutoff(size, seed, known):
    rows = rows_of(240)
    leaks = {ID(f"i{place}"): ID(f"i{place - place % size}") for place in range(240)}
    params = params_of(80, salt=str(seed), min_val=0, min_test=0)
    selection, splits = run(rows, params, leaks)
    measured = splits[splits["split"].isin(MEASURED)]
    assert splits["split"].ne("out").all()
    planned, _ = splits_before_cut(selection.reset_index(), params.split)
    names = pd.Series([MODEL_SPLITS[one].value for one in planned], index=selection.index)
    kept = splits.index[splits["split"] != "reserve"]
    assert splits.loc[kept, "split"].to_dict() == names[kept].to_dict()
    torn = measured["leak_group"].isin(selection.loc[selection["state"] == "reserve", "leak_group"])
    assert measured.loc[torn, "leak_group"].nunique() <= 3 + 1
    lineage = dict(splits.loc[splits["split"].isin([*MEASURED, "train"]), "split"].head(known))
    run(rows, params, leaks, lineage)
