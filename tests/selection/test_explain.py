"""The life of an image: what each model says of it, and what the pool's images are told."""

import pandas as pd
import pytest
from factories import tables as made
from factories.reviews import log_of

from curation.selection.image_history import NoSuchImageError, RoundTables, find, history

ID = made.image_id


def texts(papers, image_id):
    return [row["text"] for row in history(papers, image_id)]


def prediction(**values):
    row = {
        "image_id": ID("x"), "predicted": "b", "label": "a", "confidence": 0.75, "top_labels": ["b", "a"],
        "top_confidences": [0.75, 0.25], "base_predicted": "a", "base_confidence": 0.5,
    }  # fmt: skip
    return pd.DataFrame([{**row, **values}])


def test_both_models_are_quoted():
    told = texts(RoundTables(made.images([{"name": "x"}]), predictions=prediction()), ID("x"))
    assert "The candidate says `b` (75% sure), but its label is `a`." in told
    assert "Its first answers: b 75%, a 25%." in told
    assert "The base model says `a` (50% sure)." in told


def test_a_base_without_a_head_says_nothing():
    told = texts(
        RoundTables(made.images([{"name": "x"}]), predictions=prediction(base_predicted="", predicted="a")), ID("x")
    )
    assert "The candidate says `a` (75% sure), right." in told
    assert not any("base model" in text for text in told)


def test_the_lineage_and_the_pool_are_told():
    guess = pd.DataFrame([{"image_id": ID("x"), "label": "a", "confidence": 0.9, "near_duplicate_of": ID("y")}])
    papers = RoundTables(made.images([{"name": "x"}]), identified=guess, lineage={ID("x"): "val"})
    told = texts(papers, ID("x"))
    assert "The base model, or a model before it, used the image in val." in told
    assert f"It looks like {ID('y')[:12]}, which is labelled." in told


def test_a_beginning_that_several_ids_share_needs_more_digits():
    images = made.images([{"name": "x"}, {"name": "y"}])
    images["image_id"] = ["abcd" + "0" * 28, "abcd" + "1" * 28]
    with pytest.raises(NoSuchImageError, match="begins 2 image ids"):
        find(images, "abcd")
    assert find(images, "abcd1") == "abcd" + "1" * 28


def test_decisions_are_told_by_time_and_those_on_a_pair_from_either_side():
    log = [
        {"image_id": ID("x"), "decision": "relabel", "label": "b"},
        {"image_id": ID("x"), "decision": f"not_copy:{ID('y')}"},
        {"image_id": ID("x"), "decision": "keep", "label": "a"},
    ]
    papers = RoundTables(made.images([{"name": "x"}, {"name": "y"}]), reviews=log_of(log))
    told = [text for text in texts(papers, ID("x")) if text.startswith("Decided")]
    assert [text.split(": ")[1] for text in told] == [
        "relabel to `b`.",
        f"it is no copy of {ID('y')[:12]}.",
        "keep, as `a`.",
    ]
    assert any(f"it is no copy of {ID('x')[:12]}." in text for text in texts(papers, ID("y")))


def test_a_decision_that_cutoff_has_not_applied_yet_says_so():
    images = made.images([{"name": "x"}])
    log = log_of([{"image_id": ID("x"), "decision": word} for word in ("remove", "keep", "turn:90")])
    for applied, told in (({}, True), ({"decision": "keep"}, True), ({"decision": "keep", "turn": 90}, False)):
        selection = made.selection([{"name": "x", "label": "a", "original_label": "a", **applied}])
        said = texts(RoundTables(images, reviews=log, selection=selection), ID("x"))
        assert any("has not applied" in text for text in said) == told
