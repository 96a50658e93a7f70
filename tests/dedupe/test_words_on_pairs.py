"""What people said about a pair stands above its pixels, in any order of lines and images and with any workers."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from factories.collection import FILES, images
from factories.collection import row as row_of
from factories.pictures import make_picture
from factories.reviews import log_of
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from curation.decisions.fold import pairs
from curation.dedupe.descriptors.described_images import Resources
from curation.dedupe.image_arrays import from_frame
from curation.dedupe.near_duplicates import find
from curation.params.blocks import Dedupe

SIZE = 7
NAMES = [f"{number:032x}" for number in range(SIZE)]


@cache
def table():
    """Three forms of one picture, two of another, and two pictures of their own."""
    first, second = make_picture(1, (160, 120)), make_picture(2, (160, 120))
    shown = [
        first,
        first.resize((120, 90)),
        first,
        second,
        second,
        make_picture(3, (160, 120)),
        Image.new("RGB", (90, 90)),
    ]
    forms = ["PNG", "PNG", "JPEG", "PNG", "JPEG", "PNG", "PNG"]
    return images(*(row_of(at, one, form) for at, (one, form) in enumerate(zip(shown, forms, strict=True))))


def found(said, frame=None, workers=1):
    """DUPLICATES under words on pairs: (first, second, "copy" or "not_copy"), the last one of a pair holds."""
    log = log_of([{"image_id": NAMES[one], "decision": f"{word}:{NAMES[other]}"} for one, other, word in said])
    pictures = from_frame(table() if frame is None else frame)
    return find(pictures, Dedupe(), FILES, (), Resources(workers), pairs(log))[0]


def keepers(duplicates):
    return [int(name, 16) for name in duplicates["keeper"]]


def together(duplicates):
    """For each image the first one that has the same keeper."""
    keeper = keepers(duplicates)
    return [keeper.index(stays) for stays in keeper]


def test_the_pixels_decide_where_nobody_said_anything():
    assert together(found([])) == [0, 0, 0, 3, 3, 5, 6]


def test_not_a_copy_keeps_both_and_the_last_word_holds():
    assert together(found([(4, 3, "not_copy")])) == [0, 0, 0, 3, 4, 5, 6]
    assert together(found([(3, 4, "not_copy"), (4, 3, "copy")])) == [0, 0, 0, 3, 3, 5, 6]


def test_a_copy_that_no_pixel_shows_is_one():
    kept = found([(5, 6, "copy")])
    assert together(kept) == [0, 0, 0, 3, 3, 5, 5]
    assert kept["leak_group"][5] == kept["leak_group"][6]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_workers_change_nothing(workers):
    said = [(0, 1, "not_copy"), (5, 6, "copy"), (2, 5, "copy")]
    pd.testing.assert_frame_equal(found(said, workers=workers), found(said))


WORD = st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1), st.sampled_from(["copy", "not_copy"]))


@given(st.lists(WORD.filter(lambda word: word[0] != word[1]), max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_whatever_was_said_holds_in_any_order(said, random):
    last = {frozenset(word[:2]): word[2] for word in said}
    kept = found(said)
    keeper = keepers(kept)
    assert all(keeper[stays] == stays for stays in keeper)
    for one in range(SIZE):
        for other in range(one):
            if last.get(frozenset((one, other))) == "not_copy":
                assert keeper[one] != keeper[other], "they are told apart, and no third image stands for both"
    if "not_copy" not in last.values():
        assert all(keeper[one] == keeper[other] for one, other in map(sorted, last))
    assert (kept["leak_group"].to_numpy() == kept["leak_group"].to_numpy()[np.array(keeper)]).all()
    swapped = [(other, one, word) for one, other, word in said]  # it does not matter in whose row a word stands
    rows = list(range(SIZE))
    random.shuffle(rows)
    pd.testing.assert_frame_equal(found(swapped, table().iloc[rows]), kept)
    once = [(*sorted(pair), word) for pair, word in last.items()]
    random.shuffle(once)
    pd.testing.assert_frame_equal(found(once), kept)
