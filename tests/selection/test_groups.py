"""Groups of the metadata: they join leak groups, get one hash bucket, and models remember them."""

import numpy as np
import pandas as pd
import pytest
from factories import tables as made
from factories.reviews import log_of
from hypothesis import given
from hypothesis import strategies as st

from curation.params import Params
from curation.selection.cutoff import select
from curation.selection.groups.capture_times import seconds_of_times
from curation.selection.groups.group_keys import group_keys, splits_of_groups
from curation.selection.groups.group_warnings import of_groups as of_groups_warned
from curation.selection.groups.metadata_groups import GroupByError, joined_groups
from curation.selection.groups.newest import lines_on_newest
from curation.selection.split import split
from curation.tables.codes import MODEL_SPLITS, Split

ID = made.image_id


def params_of(**values):
    return Params.model_validate({"cutoff": {"min": 1, "max": 100_000}, "split": values})


def found(rows, lineage=None, leaks=None, **values):
    """SPLITS by image_id, with the name of each row."""
    images = made.images(rows)
    selection = select(images, made.duplicates(images, None, leaks), log_of([]), params_of(**values))
    return selection.set_index("image_id"), split(selection, params_of(**values), lineage or {}).set_index("image_id")


def of_groups(groups, each, **values):
    return [{"name": f"{g}/{n}", "group": str(g), **values} for g in groups for n in range(each)]


def codes(labels):
    return pd.factorize(pd.Series(list(labels)))[0].tolist()


@given(
    leaks=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    data=st.data(),
)
def test_groups_are_the_connected_components_of_what_is_equal(leaks, data):
    values = [
        data.draw(st.lists(st.sampled_from(["", "x", "y", "z"]), min_size=len(leaks), max_size=len(leaks)))
        for _ in range(2)
    ]
    values[1][0] = "x"  # a column must have a value somewhere
    frame = pd.DataFrame({"image_id": [str(n) for n in range(len(leaks))], "leak_group": [f"k{n}" for n in leaks]})
    images = made.images(len(leaks), group=values[0], obtained_from=values[1])
    joined = joined_groups(frame, images, ["group", "source"])
    group = list(range(len(leaks)))  # by hand: unite whatever is equal until nothing changes
    for _ in leaks:
        for column in (leaks, *values):
            for a in range(len(leaks)):
                for b in range(len(leaks)):
                    if column[a] != "" and column[a] == column[b]:
                        group[a] = group[b] = min(group[a], group[b])
    assert codes(joined["leak_group"]) == codes(group)
    assert set(joined["leak_group"]) <= set(frame["leak_group"])
    assert joined["group"].tolist() == [
        f"source={b}" if b else f"group={a}" if a else "" for a, b in zip(*values, strict=True)
    ]


@pytest.mark.parametrize("mixed", ["out", "follow"])
def test_a_group_goes_to_one_split_and_none_of_its_images_is_out(mixed):
    _, splits = found(of_groups(range(200), 12), mixed=mixed)
    assert (splits.groupby("group")["split"].nunique() == 1).all()
    assert not (splits["split"] == Split.OUT).any()
    shares = splits["split"].value_counts(normalize=True)
    for name, share in (("train", 0.65), ("val", 0.15), ("test", 0.15), ("benchmark", 0.05)):
        assert abs(shares[name] - share) < 4 * np.sqrt(share * (1 - share) / 200)


@pytest.mark.parametrize("mixed", ["out", "follow"])
def test_a_group_that_grows_stays_in_its_split(mixed):
    before = found(of_groups(range(60), 5), mixed=mixed)[1]
    after = found(of_groups(range(60), 9) + [{"name": f"new {n}"} for n in range(200)], mixed=mixed)[1]
    assert (after["split"].reindex(before.index) == before["split"]).all()


def test_a_group_is_whole_though_dedupe_cut_its_scene():
    rows = of_groups(["camera"], 40) + [{"name": f"single {n}"} for n in range(200)]
    selection, _ = found(rows, leaks={ID(f"camera/{n}"): ID(f"camera/{n % 7}") for n in range(40)})
    assert selection.loc[[ID(f"camera/{n}") for n in range(40)], "leak_group"].nunique() == 1


def test_a_group_of_a_benchmark_is_in_no_split_and_says_so():
    rows = [*of_groups(["p"], 3), {"name": "b", "group": "p", "source": "benchmark", "benchmark_set": "lab"}]
    selection, splits = found([*rows, *({"name": f"single {n}"} for n in range(50))])
    assert set(selection.loc[[ID(f"p/{n}") for n in range(3)], "reason_code"]) == {"group_of_benchmark"}
    assert "in one group of the metadata with the benchmark image" in selection.loc[ID("p/0"), "reason"]
    assert splits.loc[ID("b"), "split"] == Split.BENCHMARK


def test_a_model_remembers_the_groups_it_was_trained_on_when_their_images_are_gone():
    rows = of_groups(range(40), 6)
    _, splits = found(rows)
    lineage = splits_of_groups(splits)
    assert set(lineage.values()) <= {split.value for split in MODEL_SPLITS}
    new = [{"name": f"later {g}/{n}", "group": str(g)} for g in range(40) for n in range(3)]
    _, later = found(new, lineage, salt="another")
    before = splits.groupby("group")["split"].first()
    now = later.groupby("group")["split"].first()
    same = before != Split.BENCHMARK
    assert (now[same] == before[same]).all()
    assert (now[~same] == Split.OUT).all()  # a frozen benchmark takes no new images
    hand = [{"name": f"hand {g}", "group": str(g), "source": "benchmark", "benchmark_set": "lab"} for g in range(40)]
    _, measured = found(hand, lineage)
    learnt = measured["group"].map(before) == Split.TRAIN
    assert (measured.loc[learnt, "split"] == Split.OUT).all()


def test_a_key_is_no_name_and_no_group_has_none():
    keys = group_keys(pd.Series(["", "group=Jane Doe", "group=Jane Doe", "source=Jane Doe"]))
    assert keys[0] == ""
    assert keys[1] == keys[2] != keys[3]
    assert len(keys[1]) == 32
    assert "Jane" not in keys[1]


@pytest.mark.parametrize("mixed", ["out", "follow"])
def test_classes_of_few_groups_are_in_train_and_where_they_can_in_test_and_val(mixed):
    for salt in range(30):
        rows = [
            *of_groups(["one"], 30, label="alone"),
            *of_groups(["two 0", "two 1"], 20, label="two"),
            *of_groups([f"three {n}" for n in range(3)], 20, label="three"),
            *of_groups([f"many {n}" for n in range(30)], 4, label="many"),
        ]
        _, splits = found(rows, salt=str(salt), mixed=mixed, benchmark=0)
        counts = splits.groupby(["label", "split"]).size().unstack(fill_value=0).reindex(columns=list(MODEL_SPLITS))
        assert (counts["train"] > 0).all()
        assert counts.loc["alone", "train"] == 30
        assert counts.loc["two", "train"] >= 20
        assert (counts.loc["many", ["val", "test"]] >= 5).all()
        assert not (splits["split"] == Split.OUT).any()
        took_none = counts.loc["three", "test"] == 0
        assert not took_none or counts.loc["three", "val"] > 20  # val took two of three before test could


def test_an_unknown_column_names_those_there_are():
    rows = [{"name": "a", "metadata": '{"site": "north"}', "obtained_from": "Ana"}]
    with pytest.raises(GroupByError, match=r"names `sit`.*The columns there are: site, source"):
        found(rows, group_by=["group", "sit"])
    assert found(rows, group_by=["group", "site"])[0]["group"].tolist() == ["site=north"]
    assert found(rows, group_by=[])[0]["group"].tolist() == [""]


def test_folds_keep_groups_whole_and_the_order_of_rows_means_nothing():
    rng = np.random.default_rng(0)
    rows = [{"name": n, "group": str(rng.integers(60)), "label": str(rng.integers(4))} for n in range(600)]
    selection, splits = found(rows)
    train = splits[splits["split"] == Split.TRAIN]
    assert (train.groupby("group")["fold"].nunique() == 1).all()
    assert train["fold"].nunique() == 5
    again, other = found([rows[n] for n in rng.permutation(len(rows))])
    pd.testing.assert_frame_equal(selection.sort_index(), again.sort_index())
    pd.testing.assert_frame_equal(splits.sort_index(), other.sort_index())


def days(number, start=0):
    return [f"2026-{1 + n // 28 % 12:02}-{1 + n % 28:02}" for n in range(start, start + number)]


@pytest.mark.parametrize("mixed", ["out", "follow"])
def test_the_newest_captures_of_each_class_are_in_test_and_stay_there_in_later_rounds(mixed):
    rows = [{"name": f"{c}{n}", "label": c, "captured_at": day} for c in "ab" for n, day in enumerate(days(200))]
    rows += [{"name": f"undated {n}"} for n in range(300)]
    _, splits = found(rows, newest=0.1, mixed=mixed)
    newest = [ID(f"{c}{n}") for c in "ab" for n in range(180, 200)]
    assert set(splits.loc[newest, "split"]) == {Split.TEST}
    dated = splits[splits.index.isin([ID(f"{c}{n}") for c in "ab" for n in range(180)])]
    assert set(dated["split"]) == {Split.TRAIN, Split.VAL, Split.BENCHMARK}
    undated = splits.loc[[ID(f"undated {n}") for n in range(300)]]
    assert (undated["split"] == Split.TEST).sum() > 20
    lineage = splits["split"].to_dict()
    new = [{"name": f"a later {n}", "captured_at": day} for n, day in enumerate(days(100, 210))]
    selection, later = found(rows + new, lineage, newest=0.1, mixed=mixed)
    assert (later["split"].reindex(splits.index) == splits["split"]).all()
    assert (later.loc[[ID(f"a later {n}") for n in range(90, 100)], "basis"] == "newest").all()
    assert not (later.loc[[ID(f"a later {n}") for n in range(90)], "split"] == Split.TEST).any()
    told = lines_on_newest(later.reset_index(), selection.reset_index(), seconds_of_times(selection["captured_at"]))
    assert told[0] == "split.newest: 10 of the newest captures are in test"  # the others are in test by lineage


def test_the_newest_go_to_test_in_whole_groups_and_a_class_of_one_group_stays_in_train():
    rows = [
        {"name": f"{g}/{n}", "group": str(g), "captured_at": day, "label": "many"}
        for g in range(40)
        for n, day in enumerate(days(5, 5 * g))
    ]
    rows += of_groups(["new"], 30, label="new", captured_at="2027-01-01T10:00:00Z")
    selection, splits = found(rows, newest=0.1)
    assert splits.groupby("group")["split"].nunique().max() == 1
    many = splits[splits["label"] == "many"]
    assert set(many.loc[many["split"] == Split.TEST, "group"]) == {f"group={g}" for g in range(36, 40)}
    assert set(splits.loc[splits["label"] == "new", "split"]) == {Split.TRAIN}
    warned = [str(one) for one in of_groups_warned(selection.reset_index(), splits.reset_index())]
    assert any("the 30 images of class `new` are all of one group, so none is in val or test" in one for one in warned)


def test_times_are_read_as_people_and_cameras_write_them():
    texts = ["2026-11-27", "2026:11:27 00:00:00", "2026-11-27T01:00:00+01:00", "2026-11", "2026", "soon", ""]
    seconds = seconds_of_times(pd.Series(texts))
    assert seconds[0] == seconds[1] == seconds[2] > seconds[3] > seconds[4]
    assert np.isnan(seconds[5:]).all()


def test_images_that_a_benchmark_keeps_out_by_their_group_and_a_giant_are_warned_of():
    rows = [*of_groups(["p"], 3), {"name": "b", "group": "p", "source": "benchmark", "benchmark_set": "lab"}]
    rows += of_groups(["giant"], 40) + [{"name": f"single {n}"} for n in range(50)]
    selection, splits = found(rows)
    warned = [one.text for one in of_groups_warned(selection.reset_index(), splits.reset_index())]
    assert warned == [
        "3 images are kept out, because a benchmark set holds their groups (1)",
        "40 of 90 images are in one leak group (groups of the metadata in it: 1)",
    ]
