"""What is left out, and which decisions bring it back; the same in a real project: tests/pipeline/test_undrop.py."""

import pytest
from factories import tables as made
from factories.reviews import log_of

from curation.params import Params
from curation.selection.copies.left_out import BY_DECISION, SAYS, WAYS, by_reason, left_out
from curation.selection.copies.undrop import MOST, UndropError, can_return, undrop
from curation.selection.cutoff import select
from curation.tables.codes import Reason

ID = made.image_id
NO_RIVALS = {"rivals": lambda _copies: []}


def chosen(images, duplicates, *rows, minimum=1):
    """The log and what is left out."""
    names = ("image_id", "decision", "label")
    reviews = log_of([dict(zip(names, row, strict=True)) for row in rows])
    selection = select(images, duplicates, reviews, Params.model_validate({"cutoff": {"min": minimum}}))
    return reviews, left_out(selection, None, dict(zip(images["image_id"], images["path"], strict=True)))


def test_every_reason_for_which_an_image_is_left_out_has_words_and_a_way_back():
    said = {Reason.NONE, Reason.LABEL_OF_COPY, Reason.HASH_BUCKET, Reason.ONLY_TRAINED_ON, Reason.MINIMUM}
    said |= {
        Reason.ONLY_IN_TRAIN,
        Reason.NEWEST,
        Reason.OLDER,
        Reason.MODEL_CHOSEN,
        Reason.RENEWAL,
        Reason.LINEAGE,
        Reason.LINEAGE_OF_COPY,
        Reason.IN_BENCHMARK,
    }
    assert set(WAYS) == set(Reason) - said
    assert set(SAYS) >= set(WAYS) >= set(BY_DECISION)


def test_more_copies_than_can_be_told_apart_are_refused_with_the_setting_that_keeps_them_all():
    images = made.images(MOST + 2)
    duplicates = made.duplicates(images, {ID(n): ID(0) for n in range(1, MOST + 2)})
    reviews, left = chosen(images, duplicates)
    with pytest.raises(UndropError, match=r"51 of these images .* at most 50 .* `dedupe.policy: identical`"):
        undrop(left, duplicates, reviews, {"a"}, **NO_RIVALS)
    done = undrop(left.head(3), duplicates, reviews, {"a"}, **NO_RIVALS)
    assert len(done.rows) == 3 + 3  # each with the keeper, and each with each other
    assert len({frozenset((row["image_id"], row["decision"][-32:])) for row in done.rows}) == 6


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ([], [("keep", "")]),
        ([("relabel", "b")], [("relabel", "b")]),
        ([("unknown", "")], [("unknown", "")]),
        ([("relabel", "b"), ("benchmark:night", "")], [("relabel", "b"), ("benchmark:night", "")]),
        ([("benchmark:night", "")], [("keep", ""), ("benchmark:night", "")]),
        ([("keep", "a"), ("turn:90", "")], [("keep", "a")]),
        ([("relabel", "b"), ("remove", ""), ("turn:90", "")], [("relabel", "b")]),
        ([("relabel", "gone")], []),
    ],
)
def test_a_removed_image_gets_back_what_was_decided_before(before, expected):
    images = made.images([{"name": "one"}, {"name": "two", "label": "b"}])
    rows = [(ID("one"), word, label) for word, label in [*before, ("remove", "")]]
    reviews, left = chosen(images, made.duplicates(images), *rows)
    done = undrop(left, made.duplicates(images), reviews, {"a", "b"}, **NO_RIVALS)
    assert [(row["decision"], row["label"]) for row in done.rows] == expected
    assert len(done.told) == 1
    if not expected:
        assert "no such class any more" in done.told[0]["does"]


def test_an_image_of_which_a_person_said_that_nobody_knows_it_gets_its_label_back():
    images = made.images([{"name": "one"}, {"name": "two", "label": "unknown"}])
    reviews, left = chosen(images, made.duplicates(images), (ID("one"), "unknown", ""))
    done = undrop(left.sort_values("path"), made.duplicates(images), reviews, {"a"}, **NO_RIVALS)
    assert [(row["image_id"], row["decision"]) for row in done.rows] == [(ID("one"), "keep")]
    assert "nobody ever gave it a label" in {row["image_id"]: row["does"] for row in done.told}[ID("two")]


def test_a_copy_of_a_removed_image_is_kept_by_itself():
    images = made.images([{"name": "one"}, {"name": "two"}])
    duplicates = made.duplicates(images, {ID("two"): ID("one")})
    reviews, left = chosen(images, duplicates, (ID("one"), "remove", ""))
    copy = left[left["image_id"] == ID("two")]
    assert copy["reason_code"].tolist() == [Reason.COPY_OF_REMOVED]
    done = undrop(copy, duplicates, reviews, {"a"}, **NO_RIVALS)
    _, left = chosen(images, duplicates, (ID("one"), "remove", ""), (ID("two"), done.rows[0]["decision"], "a"))
    assert left["image_id"].tolist() == [ID("one")]


def test_a_class_that_is_too_small_is_listed_with_the_setting_and_no_decision_helps():
    images = made.images(3)
    reviews, left = chosen(images, made.duplicates(images), minimum=40)
    table = by_reason(left)
    assert table[["reason_code", "images"]].to_numpy().tolist() == [["below_minimum", 3]]
    assert "cutoff.min" in table["way_back"].iloc[0]
    assert can_return(left).empty
    done = undrop(left, made.duplicates(images), reviews, {"a"}, **NO_RIVALS)
    assert not done.rows
    assert all("`cutoff.classes: {CLASS: {min: N}}`" in row["does"] for row in done.told)


def test_images_that_no_split_took_are_listed_too():
    selection = made.selection([{"name": "one"}, {"name": "two"}])
    splits = made.splits([{"name": "one", "split": "out", "reason_code": "group_elsewhere"}, {"name": "two"}])
    assert left_out(selection, splits, {})["image_id"].tolist() == [ID("one")]
    assert "split.mixed" in by_reason(left_out(selection, splits, {}))["way_back"].iloc[0]
