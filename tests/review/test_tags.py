import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.review.decision_tags import Decision, malformed, parse

NAMES = (
    st.text("abcdefghijklmnopqrstuvwxyzäöü 0123456789-_", min_size=1)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)


@pytest.mark.parametrize(
    ("tag", "decision", "label", "axis"),
    [
        ("relabel:cat", "relabel", "cat", "label"),
        (" relabel: tabby  cat ", "relabel", "tabby cat", "label"),
        ("relabel:a:b", "relabel", "a:b", "label"),
        ("keep", "keep", "", "label"),
        ("remove", "remove", "", "label"),
        ("unknown", "unknown", "", "label"),
        ("small", "small", "", "small"),
        ("benchmark:night", "benchmark:night", "", "benchmark"),
        ("turn:90", "turn:90", "", "turn"),
    ],
)
def test_a_tag_spells_a_decision(tag, decision, label, axis):
    found = parse(tag)
    assert found == Decision(decision, label)
    assert found.axis == axis


@pytest.mark.parametrize("tag", ["", "mine", "todo: ask Ana", "keeper", "relabel", "benchmark"])
def test_any_other_tag_is_left_alone(tag):
    assert parse(tag) is None
    assert not malformed(tag)


@pytest.mark.parametrize(
    "tag", ["relabel:", "turn:45", "turn:", "benchmark:", "benchmark:a b", "benchmark:frozen", "keep:it"]
)
def test_a_tag_meant_as_a_decision_but_wrong_is_told_apart(tag):
    assert parse(tag) is None
    assert malformed(tag)


@given(NAMES)
def test_a_decision_survives_its_tag(name):
    assert parse(Decision("relabel", name).tag) == Decision("relabel", name)
