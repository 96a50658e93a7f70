"""The words about a label follow P(wrong label): what they claim holds at every probability from 0 to 1."""

import re

import numpy as np
import pandas as pd
import pytest

from curation.evaluation.queue.review_queue import kinds
from curation.review import saved_views
from curation.review.interface.label_words import label_words
from curation.tables.codes import PROBABLE, Kind

WALK = [0.0, 1e-9, *np.linspace(0.001, 0.999, 999), 1 - 1e-9, 1.0]


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_the_label_is_called_probably_right_only_where_it_is_and_the_percentage_is_the_probability(kind):
    for exact in WALK:
        words = label_words("cat", kind(exact))
        assert "cat" in words
        assert ("probably right" in words) == (0 < exact < PROBABLE < 0.5), (exact, words)
        told = re.search(r"wrong(?: label)?: (under |over )?(\d+)%", words)
        if exact == 0:
            assert told is None
            continue
        bound, percent = told[1], int(told[2])
        holds = {None: abs(100 * exact - percent) <= 0.5001, "under ": 100 * exact < percent}
        assert holds.get(bound, 100 * exact > percent), (exact, words)
        assert bound or 0 < percent < 100, words


def test_without_a_suggestion_or_an_estimate_nothing_is_said_of_the_probability():
    assert label_words("", 0.9) == label_words(None, 0.9) == ""
    assert label_words("cat", None) == "suggested: cat"


def test_saved_views_say_what_the_probability_of_their_images_allows():
    size = len(WALK)
    frame = pd.DataFrame({"label_error": WALK, "split": "test", "label": "a", "predicted": "b", "loss": 1.0})
    frame = frame.assign(conflict="", confidence=0.9)
    frame["kind"] = kinds(frame, 0.5)
    assert ((frame["kind"] == Kind.LABEL_ERROR) == (frame["label_error"] >= PROBABLE)).all()
    seen = 0
    for _, conditions, words in saved_views.wanted(frame.assign(role="queue")):
        shown = np.ones(size, bool)
        for name in {"kind", "label_error"} & set(conditions):
            value = conditions[name]
            shown &= (frame[name] < value["$lt"]) if isinstance(value, dict) else (frame[name] == value)
        inside = frame["label_error"][shown]
        if "probably right" in words:
            assert inside.max() < 0.5
            seen += 1
        if least := re.search(r"wrong with a probability of (\d+)% or more", words):
            assert inside.min() >= int(least[1]) / 100
            seen += 1
    assert seen == 2
