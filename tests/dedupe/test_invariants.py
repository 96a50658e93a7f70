"""Whatever the pictures: stars are stars, chains are cut, no star is, and the order of the rows changes nothing."""

from functools import cache

import numpy as np
import pandas as pd
from factories.collection import FILES
from factories.collection import row as row_of
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from curation.dedupe import find_duplicates
from curation.dedupe.keeper_ranking import keeper_order
from curation.dedupe.leak_groups import LEVELS, leak_groups
from curation.dedupe.verification.compare_pictures import compare
from curation.dedupe.verification.compared_picture import ComparedPicture
from curation.params.blocks import Dedupe
from curation.tables.codes import Relation

CONFIG = Dedupe()
SIDE = 96
CHANGES = [
    lambda image: image,
    lambda image: image.transpose(Image.Transpose.ROTATE_90),
    lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    lambda image: image.crop((5, 5, SIDE - 5, SIDE - 5)),
    lambda image: Image.blend(image, picture(9), 0.15),
    lambda image: Image.blend(image, picture(9), 0.3),
]


@cache
def picture(seed):
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (n, n, 3), np.uint8)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        )
        for n in (3, 7, 15)
    ]
    return Image.fromarray(np.mean(layers, axis=0, dtype=np.float64).astype(np.uint8))


@cache
def measured(seed, change):
    return row_of(0, CHANGES[change](picture(seed)))


def table(chosen):
    rows = [
        {**measured(seed, change), "image_id": f"{number:032x}", "label": label, "bytes": 100 + number}
        for number, (seed, change, label) in enumerate(chosen)
    ]
    return pd.DataFrame(rows)


@cache
def read(path):
    pixels = FILES.read(path, 320)
    return ComparedPicture(lambda _: pixels, max(pixels.shape[:2]))


@cache
def relation(one, other):
    """What the pixels of two files say, compared in this order."""
    return compare(read(one), read(other)).relation


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, len(CHANGES) - 1), st.sampled_from(["cat", "dog", "unknown", ""])),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=12, deadline=None)
def test_every_twin_was_compared_with_a_keeper_that_stays_and_ranks_before_it(chosen, random):
    images = table(chosen)
    found = find_duplicates(images, CONFIG, files=FILES)
    keeper = np.array([int(name, 16) for name in found["keeper"]])
    rank = np.empty(len(images), int)
    rank[keeper_order(images)] = np.arange(len(images))
    for row, stays in enumerate(keeper):
        assert keeper[stays] == stays
        assert found["leak_group"][row] == found["leak_group"][stays]
        if row != stays:
            assert relation(*images["path"][sorted((row, stays))]) is Relation.COPY
            assert rank[stays] < rank[row]
            told = {images["label"][row], images["label"][stays]} - {"", "unknown"}
            assert len(told) < 2 or images["label"][stays] in found["conflict"][row].split(" / ")
    order = list(range(len(images)))
    random.shuffle(order)
    pd.testing.assert_frame_equal(find_duplicates(images.iloc[order], CONFIG, files=FILES), found)


def smallest(partition):
    """Name each part by its smallest row."""
    first = {}
    return np.array([first.setdefault(part, row) for row, part in enumerate(partition)], np.int32)


@st.composite
def nested(draw):
    """Ever finer partitions of some rows, the last of them stars, each with a keeper among its rows."""
    rows = draw(st.integers(1, 24))
    parts = [()] * rows
    roots = []
    for _ in range(LEVELS + 1):
        split = draw(st.lists(st.integers(0, 2), min_size=rows, max_size=rows))
        parts = [(*part, piece) for part, piece in zip(parts, split, strict=True)]
        roots.append(smallest(parts))
    stars = roots.pop()
    stays = {
        root: draw(st.sampled_from(np.flatnonzero(stars == root).tolist())) for root in sorted(set(stars.tolist()))
    }
    keeper = np.array([stays[root] for root in stars.tolist()], np.int32)
    return np.stack(roots), keeper


@given(nested(), st.integers(1, 8), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_leak_groups_stay_small_and_whole(made, largest, random):
    linked, keeper = made
    config = Dedupe(max_group=largest)
    group, cuts = leak_groups(linked, keeper, config)
    assert (group == smallest(group.tolist())).all()
    assert (group[keeper] == group).all(), "no star is cut"
    wide = linked[0]
    assert (wide[group] == wide).all(), "groups are parts of the widest ones"
    for root in set(group.tolist()):
        rows = np.flatnonzero(group == root)
        assert len(rows) <= largest or len(set(keeper[rows].tolist())) == 1, "only a star may be larger"
    for root in set(wide.tolist()):
        rows = np.flatnonzero(wide == root)
        assert len(rows) > largest or len(set(group[rows].tolist())) == 1, "what is small enough is left whole"
    assert all(cut.size > largest and cut.largest < cut.size for cut in cuts)
    order = np.array(random.sample(range(len(group)), len(group)))
    place = np.argsort(order)
    turned = np.stack([smallest(roots[order].tolist()) for roots in linked])
    again, cut_again = leak_groups(turned, place[keeper][order].astype(np.int32), config)
    assert (again == smallest(group[order].tolist())).all()
    assert sorted(cut_again) == sorted(cuts)
