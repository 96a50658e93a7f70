"""A class has one spelling; two that a person would call the same are refused together."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.tables.class_names import LabelError, canonical, refuse_clashes, refuse_splits


@pytest.mark.parametrize(
    ("written", "label"),
    [("cat", "cat"), (" big  cat ", "big cat"), ("cafe\u0301", "café"), ("BMW", "BMW"), ("東京", "東京"), ("", "")],
)
def test_a_label_has_one_spelling(written, label):
    assert canonical(written) == label


@given(st.text())
def test_spelling_settles(text):
    try:
        label = canonical(text)
    except LabelError:
        return
    assert canonical(label) == label
    assert unicodedata.is_normalized("NFC", label)


@pytest.mark.parametrize("written", ["a/b", "a\\b", "a\x07b", "\ud800"])
def test_what_can_be_no_folder_is_no_label(written):
    with pytest.raises(LabelError, match="label"):
        canonical(written)


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("cat", "Cat", "case"),
        ("café", "cafe\u0301", "Unicode form"),
        ("\ufb01sh", "fish", "Unicode form"),
        ("a b", "a  b", "spaces"),
    ],
)
def test_labels_that_look_alike_are_refused_with_both_places(one, other, how):
    with pytest.raises(LabelError, match=how) as caught:
        refuse_clashes({one: "data/raw/one", other: "data/raw/other"})
    assert "data/raw/one" in str(caught.value)
    assert "data/raw/other" in str(caught.value)


@pytest.mark.parametrize("label", ["Unknown", "UNKNOWN", "un\uff4bnown"])
def test_the_reserved_class_can_not_be_written_otherwise(label):
    with pytest.raises(LabelError, match="the reserved class"):
        refuse_clashes({label: "data/raw/x"})


def test_different_labels_pass():
    refuse_clashes({label: label for label in ("cat", "cats", "unknown", "Straße", "dog")})


def test_a_division_is_not_taken_for_classes():
    with pytest.raises(LabelError, match="test, train"):
        refuse_splits(["train", "test", "unknown"], "data/raw")
    refuse_splits(["train", "car", "test"], "data/raw")
    refuse_splits(["unknown"], "data/raw")
