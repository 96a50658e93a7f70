"""Selection: decisions, copies, conflicts, minimum and maximum, each with a reason."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from factories import tables as made
from factories.reviews import log_of
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.decisions.class_merges import MergeError, resolve_merges
from curation.decisions.log import ReviewsError
from curation.params import Params
from curation.report import funnel_figure
from curation.selection import funnel
from curation.selection.cutoff import select
from curation.selection.maximum.class_maximum import even_quotas
from curation.selection.maximum.diversity import most_different

ID = made.image_id
ONLY_TRAIN = {"val": 0, "test": 0, "benchmark": 0, "min_val": 0, "min_test": 0}


def params_of(**blocks):
    return Params.model_validate({"cutoff": {"min": 1}, **blocks})


def choose(rows, copies=(), log=(), params=None, leaks=None):
    images = made.images(rows)
    pairs = {ID(copy): ID(keeper) for copy, keeper in copies}
    duplicates = made.duplicates(images, pairs, leaks)
    reviews = log_of([{"image_id": ID(name), "decision": word, "label": label} for name, word, label in log])
    return select(images, duplicates, reviews, params or params_of()).set_index("image_id")


def named(*names, **values):
    return [{"name": name, **values} for name in names]


def test_every_state_has_its_reason():
    rows = [
        *named("kept", "copy"),
        *named("broken", error="truncated"),
        *named("pool", source="unlabelled", label=""),
        *named("nobody", label="unknown"),
        *named("bench", source="benchmark", benchmark_set="hard"),
    ]
    found = choose(rows, copies=[("copy", "kept")])
    states = {name: found.loc[ID(name), "state"] for name in ("kept", "copy", "broken", "pool", "nobody", "bench")}
    expected = {"kept": "kept", "copy": "dropped", "broken": "dropped", "pool": "pool", "nobody": "unknown"}
    assert states == {**expected, "bench": "benchmark"}
    assert found.loc[ID("copy"), "reason"] == "copy of " + ID("kept")[:12]
    assert (found["reason"] != "").sum() == len(rows) - 1


def test_the_last_decision_wins_and_flags_add_up():
    log = [
        ("a", "remove", ""),
        ("a", "relabel", "b"),
        ("a", "turn:90", ""),
        ("a", "small", ""),
        ("b", "keep", ""),
        ("b", "remove", ""),
    ]
    found = choose(named("a", "b") + named("other", label="b"), log=log)
    first = found.loc[ID("a")]
    assert (first["state"], first["label"], first["original_label"]) == ("kept", "b", "a")
    assert (first["turn"], first["small"], first["decision"]) == (90, True, "relabel")
    assert found.loc[ID("b"), "reason"].startswith("removed by review")


def test_a_pool_image_that_is_labelled_by_review_joins_its_class():
    found = choose(named("known") + named("pool", source="unlabelled", label=""), log=[("pool", "relabel", "a")])
    assert found.loc[ID("pool"), ["state", "label"]].tolist() == ["kept", "a"]


def test_a_conflict_leaves_training_until_somebody_decides():
    rows = named("one") + named("two", label="b")
    torn = choose(rows, copies=[("two", "one")])
    assert torn["reason"].str.startswith("label conflict: a / b").all()
    assert torn["state"].tolist() == ["conflict"] * 2
    kept = choose(rows, copies=[("two", "one")], log=[("one", "keep", "")])
    assert kept.loc[ID("one"), "state"] == "kept"
    assert kept.loc[ID("two"), "reason_code"] == "copy"
    label = "its label is from the decision on its copy " + ID("one")[:12]
    assert kept.loc[ID("two"), "reason"] == f"copy of {ID('one')[:12]}; {label}"


def test_a_decision_on_the_copy_tells_the_keeper():
    rows = named("one") + named("two", "other", label="b")
    found = choose(rows, copies=[("two", "one")], log=[("two", "keep", "")])
    assert found.loc[ID("one"), ["state", "label"]].tolist() == ["kept", "b"]
    assert found.loc[ID("one"), "reason_code"] == "label_of_copy"
    assert found.loc[ID("one"), "reason"] == "its label is from the decision on its copy " + ID("two")[:12]


@pytest.mark.parametrize("policy", ["identical", "none"])
def test_what_the_policy_does_not_count_as_a_copy_stays_and_is_told_nothing(policy):
    rows = named("one", "copied") + named("other", label="b")
    images = made.images(rows)
    duplicates = made.duplicates(images, {ID("copied"): ID("one"), ID("other"): ID("one")})
    duplicates["same_pixels_as"] = duplicates["image_id"].replace({ID("copied"): ID("one")})
    log = log_of([{"image_id": ID("other"), "decision": "remove"}])
    for reviews in (log_of(), log):
        found = select(images, duplicates, reviews, params_of(dedupe={"policy": policy})).set_index("image_id")
        assert found.loc[ID("copied"), "state"] == ("dropped" if policy == "identical" else "kept")
        assert found.loc[ID("one"), ["state", "label"]].tolist() == ["kept", "a"]
        assert found.loc[ID("other"), "state"] == ("dropped" if reviews is log else "kept")


WORDS = st.sampled_from([("keep", ""), ("relabel", "a"), ("relabel", "b"), ("unknown", ""), ("remove", "")])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_decided_stays_as_decided_and_every_image_is_accounted_for(data):
    names = [f"i{number}" for number in range(6)]
    rows = [{"name": name, "label": data.draw(st.sampled_from("ab"))} for name in names]
    rows += named("ca") + named("cb", label="b")
    keepers = [data.draw(st.sampled_from(names[: place + 1])) for place in range(6)]
    pairs = [(name, keeper) for name, keeper in zip(names, keepers, strict=True) if keeper in (names[0], names[1])]
    near = [(name, keeper) for name, keeper in pairs if name not in (names[0], names[1])]
    log = [(name, *word) for name in names for word in [data.draw(WORDS)] if data.draw(st.booleans())]
    images = made.images(rows)
    found = choose(rows, copies=near, log=log)
    assert sorted(found.index) == sorted(images["image_id"])
    assert ((found["state"] == "kept") | (found["reason"] != "")).all()
    collected = {row["name"]: row.get("label", "a") for row in rows}
    decided = {name: (word, label) for name, word, label in log}
    for name, (word, label) in decided.items():
        row = found.loc[ID(name)]
        expected = {"keep": collected[name], "relabel": label, "unknown": "unknown", "remove": collected[name]}[word]
        assert row["label"] == expected
        assert (row["reason_code"] == "removed") == (word == "remove")
        assert row["state"] != "conflict"
    for copied, keeper in near:
        words = [decided.get(one, ("", ""))[0] for one in (copied, keeper)]
        if words == ["keep", "keep"]:
            assert found.loc[[ID(copied), ID(keeper)], "state"].tolist() == ["kept", "kept"]
    for name in set(collected) - set(decided):
        row = found.loc[ID(name)]
        assert row["label"] == collected[name] or "its label is from the decision on its copy" in row["reason"]


@pytest.mark.parametrize("label", ["a", "b"])
def test_two_images_that_were_kept_both_stay_as_decided(label):
    rows = named("one") + named("two", label=label) + named("third", label="c")
    log = [("one", "keep", "a"), ("two", "keep", label)]
    found = choose(rows, copies=[("two", "one"), ("third", "one")], log=log)
    assert found.loc[[ID("one"), ID("two")], "state"].tolist() == ["kept", "kept"]
    assert found.loc[[ID("one"), ID("two")], "label"].tolist() == ["a", label]
    assert found.loc[ID("third"), "state"] == ("dropped" if label == "a" else "conflict")


def test_two_decisions_under_different_labels_stay_and_the_undecided_copy_waits():
    rows = named("one", "third") + named("two", label="b")
    log = [("one", "relabel", "b"), ("two", "relabel", "a")]
    found = choose(rows, copies=[("two", "one"), ("third", "one")], log=log)
    assert found.loc[[ID("one"), ID("two")], ["state", "label"]].to_numpy().tolist() == [["kept", "b"], ["kept", "a"]]
    assert found.loc[ID("third"), "reason"] == "label conflict: a / b, until review decides"


def test_one_label_given_to_both_makes_no_second_copy():
    rows = named("one") + named("two", label="b")
    found = choose(rows, copies=[("two", "one")], log=[("one", "keep", "a"), ("two", "relabel", "a")])
    assert found.loc[ID("two"), "reason"] == "copy of " + ID("one")[:12]


@pytest.mark.parametrize("before", ["relabel", "unknown", "remove"])
def test_going_back_and_keeping_undoes_what_was_decided(before):
    rows = named("x") + named("other", label="b")
    for label in ("a", ""):  # a row of keep names the label that it confirms; older rows do not
        found = choose(rows, log=[("x", before, "b" if before == "relabel" else ""), ("x", "keep", label)])
        assert found.loc[ID("x"), ["state", "label"]].tolist() == ["kept", "a"]


def test_keep_confirms_a_relabel_that_was_seen():
    rows = named("x") + named("other", label="b")
    found = choose(rows, log=[("x", "relabel", "b"), ("x", "keep", "b")])
    assert found.loc[ID("x"), "label"] == "b"


def test_keep_of_a_merged_class_keeps_the_finer_label_and_its_sub_class():
    rows = named("x", label="gazelle", subclass="young") + named("y", label="antelope")
    merge = {"merge": {"gazelle": "antelope"}}
    found = choose(rows, log=[("x", "keep", "antelope")], params=params_of(classes=merge))
    assert found.loc[ID("x"), ["label", "subclass"]].tolist() == ["antelope", "young"]
    assert choose(rows, log=[("x", "keep", "gazelle")]).loc[ID("x"), "label"] == "gazelle"


def test_a_kept_image_follows_its_class_folder_when_that_is_renamed():
    found = choose(named("x", label="felis"), log=[("x", "keep", "cat")])
    assert found.loc[ID("x"), ["state", "label"]].tolist() == ["kept", "felis"]


def test_a_relabel_to_a_class_that_was_renamed_names_row_image_and_both_ways_out():
    rows = named("x", "y", label="felis") + named("z", label="dog")
    log = [("x", "relabel", "cat"), ("y", "relabel", "cat"), ("z", "keep", "")]
    with pytest.raises(ReviewsError) as caught:
        choose(rows, log=log)
    told = str(caught.value)
    assert "line 2" in told
    assert ID("x") in told
    assert "classes: {merge: {cat: felis}}" in told
    assert f"{ID('x')},relabel,felis" in told
    merged = choose(rows, log=log, params=params_of(classes={"merge": {"cat": "felis"}}))
    again = choose(rows, log=[*log, ("x", "relabel", "felis"), ("y", "relabel", "felis")])
    for found in (merged, again):
        assert found.loc[[ID("x"), ID("y")], ["state", "label"]].to_numpy().tolist() == [["kept", "felis"]] * 2


def test_the_later_of_two_decisions_on_one_star_is_told_to_the_others_whatever_the_lines_say():
    rows = [{"name": name, "label": "a"} for name in ("one", "two", "three")] + named("b1", "b2", label="b")
    images = made.images(rows)
    pairs = {ID("two"): ID("one"), ID("three"): ID("one")}
    early = {"decision": "relabel", "label": "b", "subclass": "x", "decided_at": "2026-01-01T00:00:00"}
    late = {"decision": "relabel", "label": "b", "subclass": "y", "decided_at": "2026-01-02T00:00:00"}
    log = [{"image_id": ID("two"), **early}, {"image_id": ID("three"), **late}]
    for lines in (log, log[::-1]):
        found = select(images, made.duplicates(images, pairs), log_of(lines), params_of()).set_index("image_id")
        assert found.loc[ID("one"), ["label", "subclass"]].tolist() == ["b", "y"]


def test_merged_classes_do_not_contradict():
    rows = named("one", label="gazelle") + named("two", label="antelope")
    params = params_of(classes={"merge": {"gazelle": "antelope"}})
    found = choose(rows, copies=[("two", "one")], params=params)
    assert found.loc[ID("one"), ["state", "label"]].tolist() == ["kept", "antelope"]


def test_identical_files_under_two_labels_contradict():
    rows = [{"name": "one", "copy_paths": ["data/raw/b/one.png"], "copy_labels": ["b"]}]
    assert choose(rows)["reason"].iloc[0].startswith("label conflict: a / b")


def test_copies_of_a_removed_image_go_with_it():
    found = choose(named("one", "two"), copies=[("two", "one")], log=[("one", "remove", "")])
    assert found.loc[ID("two"), "reason"].endswith("which review removed")


def test_copies_of_a_benchmark_image_are_not_trained_on():
    rows = named("raw", "scene", "far") + named("bench", source="benchmark", benchmark_set="hard")
    leaks = {ID(name): "g" for name in ("raw", "scene", "bench")}
    found = choose(rows, copies=[("raw", "bench")], leaks=leaks)
    assert found.loc[ID("raw"), "reason"] == "copy of the benchmark image " + ID("bench")[:12]
    assert found.loc[ID("scene"), "reason"] == "in one leak group with the benchmark image " + ID("bench")[:12]
    assert found.loc[[ID("raw"), ID("scene")], "reason_code"].tolist() == ["copy_of_benchmark", "scene_of_benchmark"]
    assert found.loc[ID("far"), "state"] == "kept"


def test_a_benchmark_decision_freezes_the_image_and_holds_its_copies_back():
    found = choose(named("one", "two"), log=[("one", "benchmark:hard", "")], leaks={ID("one"): "g", ID("two"): "g"})
    assert found.loc[ID("one"), ["state", "benchmark_set"]].tolist() == ["benchmark", "hard"]
    assert found.loc[ID("two"), "state"] == "dropped"


def test_copies_take_a_decided_label_as_the_model_sees_it():
    params = params_of(classes={"merge": {"cat": "pet", "dog": "pet"}})
    rows = [*named("one", "two", label="cat"), *named("same", label="dog"), *named("other", label="bird")]
    copies = [("two", "one"), ("same", "one"), ("other", "one")]
    log = [("one", "keep", ""), ("two", "relabel", "dog")]
    found = choose(rows, copies, log, params)
    assert found.loc[[ID(name) for name in ("one", "two", "same", "other")], "label"].tolist() == ["pet"] * 4
    assert "its label is from" not in found.loc[ID("same"), "reason"]  # it was merged into `pet` anyway
    assert "its label is from" in found.loc[ID("other"), "reason"]


@pytest.mark.parametrize(("count", "state"), [("all", "kept"), ("real", "dropped")])
def test_staged_images_count_to_the_minimum_or_not(count, state):
    rows = named("a", "b") + named("c", origin="staged")
    found = choose(rows, params=params_of(cutoff={"min": 3, "count": count}))
    assert set(found["state"]) == {state}


def test_a_class_may_have_its_own_minimum_under_its_merged_name():
    params = params_of(cutoff={"min": 3, "classes": {"rare": {"min": 1}}}, classes={"merge": {"rare": "few"}})
    found = choose(named("x", label="few") + named("y", label="b"), params=params)
    assert found.loc[ID("x"), "state"] == "kept"
    assert found.loc[ID("y"), "reason"] == "class `b` has 1 of the 3 images it needs"


def test_above_the_maximum_real_images_stay_and_subclasses_are_even():
    rows = [{"name": f"{sub}{n}", "subclass": sub} for sub, many in (("old", 20), ("young", 4)) for n in range(many)]
    rows += [{"name": f"staged{n}", "origin": "staged", "subclass": "young"} for n in range(10)]
    kept = choose(rows, params=params_of(cutoff={"min": 1, "max": 10}, split=ONLY_TRAIN)).query("state == 'kept'")
    assert kept["origin"].tolist() == ["real"] * 10
    assert kept["subclass"].value_counts().to_dict() == {"old": 6, "young": 4}


def test_dealing_places_is_even_and_complete():
    assert even_quotas(np.array([0, 0, 5]), np.array([10, 2, 9]), 9).tolist() == [6, 2, 1]


def test_the_most_different_are_kept_and_one_more_image_changes_little():
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 2**63, 60).astype(np.uint64)
    hashes = (centres[rng.integers(0, 60, 600)] ^ (np.uint64(1) << rng.integers(0, 60, 600).astype(np.uint64)))[:, None]
    chosen = hashes[most_different(hashes, 60)][:, 0]
    nearest = [int(x ^ y).bit_count() for x, y in combinations(chosen, 2)]
    assert min(nearest) > 4  # one of each cluster: the members of a cluster are at most 2 bits apart
    more = np.insert(hashes, 300, rng.integers(0, 2**63), axis=0)
    assert len({int(x) for x in chosen} - {int(x) for x in more[most_different(more, 60)][:, 0]}) <= 2


def test_merges_follow_chains_and_refuse_circles():
    assert resolve_merges({"a": "b", "b": "c"}) == {"a": "c", "b": "c"}
    with pytest.raises(MergeError, match="goes round"):
        resolve_merges({"a": "b", "b": "c", "c": "a"})
    with pytest.raises(MergeError, match="reserved"):
        resolve_merges({"a": "unknown"})


def test_a_relabel_to_no_class_is_an_error_with_a_guess():
    with pytest.raises(ReviewsError, match=r"line 2.*`zebbra`.*Did you mean `zebra`"):
        choose(named("x", label="zebra"), log=[("x", "relabel", "zebbra")])
    with pytest.raises(ReviewsError, match=r"Did you mean `zebra`.*merge: \{ZEBRA: zebra\}"):
        choose(named("x", label="gnu") + named("y", label="zebra"), log=[("x", "relabel", "ZEBRA")])
    new = params_of(cutoff={"min": 1, "classes": {"lynx": {}}})
    assert choose(named("x"), log=[("x", "relabel", "lynx")], params=new)["label"].tolist() == ["lynx"]


def test_the_funnel_counts_every_image_once():
    rows = named("a", "b", "copy") + named("broken", error="x") + named("u", label="unknown") + named("few", label="b")
    images = made.images(rows)
    params = params_of(cutoff={"min": 2, "reach": 1})
    chosen = select(images, made.duplicates(images, {ID("copy"): ID("a")}), log_of(), params)
    passed = funnel.funnel(chosen).set_index("step")["images"].to_dict()
    assert passed == {"raw": 6, "readable": 5, "unique": 4, "decided": 3, "above cutoff": 2, "kept": 2}
    assert funnel.thin(chosen, params).to_dict("records") == [{"label": "b", "has": 1, "minimum": 2, "misses": 1}]
    assert funnel.dropped(chosen)["images"].sum() == 4
    assert isinstance(funnel.classes(chosen, params), pd.DataFrame)


def test_the_picture_of_the_funnel_is_the_same_every_time(tmp_path):
    images = made.images(named("a", "b") + named("c", label="$x_{$"))
    found = select(images, made.duplicates(images), log_of(), params_of())
    for name in ("one.svg", "two.svg"):
        table = funnel.classes(found, params_of())
        funnel_figure.draw_funnel(funnel.funnel(found), table, funnel.ORIGINS, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert b"$x_{$" in (tmp_path / "one.svg").read_bytes()


def test_a_minimum_that_no_class_reaches_is_said_with_the_nearest_class():
    images = made.images(named("a", "b", label="cat") + named("c", label="dog"))
    for least, said in ((3, "`cat` comes nearest, with 2 of 3"), (2, "")):
        params = params_of(cutoff={"min": least})
        told = funnel.nothing_left(funnel.classes(select(images, made.duplicates(images), log_of(), params), params))
        assert said in told
        assert bool(told) == bool(said)
