"""The bound on candidates keeps the nearest pairs of each image, whatever the order, and every exact duplicate."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from factories.collection import row as row_of
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from curation.dedupe import candidate_bound
from curation.dedupe.candidate_bound import PAIRS, Bound
from curation.dedupe.candidates import candidates
from curation.dedupe.image_arrays import from_frame
from curation.dedupe.relations.nearest_pairs import FEW, nearest_pairs, view_agreement
from curation.params.blocks import Dedupe


def difference(pairs):
    """A coarse measure of the two rows, so that many pairs are equally near."""
    return ((pairs[:, 0] * 7 + pairs[:, 1] * 13) % 5).astype(np.float32)


def roughly(pairs):
    """A quicker measure, which nearly agrees with the other."""
    return ((pairs[:, 0] * 7 + pairs[:, 1] * 13) % 5 // 2).astype(np.float32)


def kept(parts, size, rough=None):
    bound = Bound(size)
    found = [pairs for pairs in bound.nearest(parts, difference, rough) if len(pairs)]
    rows = np.concatenate(found) if found else np.zeros((0, 4), np.int32)
    return {tuple(row) for row in rows.tolist()}, bound.cut


@st.composite
def searches(draw):
    """Distinct pairs of few images, some of which have far more than the bound allows."""
    size = draw(st.integers(2, 90))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    every = np.argwhere(np.triu(np.ones((size, size), bool), 1))
    chosen = every[random.random(len(every)) < draw(st.floats(0, 1))]
    rest = random.integers(0, 3, (len(chosen), 2))
    return np.column_stack([chosen, rest]).astype(np.int32), size


@given(searches(), st.integers(1, 9), st.randoms(use_true_random=False), st.sampled_from([None, roughly]))
def test_what_stays_depends_neither_on_the_order_nor_on_the_batches(search, parts, random, rough):
    pairs, size = search
    whole = kept([pairs], size, rough)
    order = list(range(len(pairs)))
    random.shuffle(order)
    before = candidate_bound.WAITING
    candidate_bound.WAITING = max(1, len(pairs) // parts)
    try:
        assert kept(np.array_split(pairs[order], parts), size, rough) == whole
    finally:
        candidate_bound.WAITING = before
    assert len(whole[0]) + whole[1] == len(pairs)


@given(searches())
def test_each_image_keeps_its_nearest_pairs_and_no_more_than_others_keep_with_it(search):
    pairs, size = search
    stays, _ = kept([pairs], size)
    near = difference(pairs)
    nearest = set()
    for image in range(size):
        own = np.flatnonzero((pairs[:, :2] == image).any(axis=1))
        best = sorted(own.tolist(), key=lambda k: (near[k], *pairs[k].tolist()))[:PAIRS]
        nearest |= {tuple(pairs[k].tolist()) for k in best}
    assert stays == nearest
    assert len(stays) <= PAIRS * size


def collection(equal, alike):
    """Many equal pictures, and as many that differ in one small square: a fixed camera."""
    random = np.random.default_rng(3)
    ground = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8)).resize((160, 160), Image.Resampling.BICUBIC)
    images = [ground] * equal
    for _ in range(alike):
        image = ground.copy()
        x, y = random.integers(0, 140, 2).tolist()
        image.paste(tuple(random.integers(0, 256, 3).tolist()), (x, y, x + 20, y + 20))
        images.append(image)
    rows = [{**row_of(0, image), "image_id": f"{number:032x}"} for number, image in enumerate(images)]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def camera():
    return collection(equal=70, alike=70)


def test_equal_pictures_stay_connected_however_many_are_alike(camera):
    pictures = from_frame(camera)
    bounded = nearest_pairs(pictures, Dedupe(), 1)
    assert bounded.cut > 0
    parent = list(range(len(camera)))
    for one, other, similarity in zip(bounded.left, bounded.right, bounded.similarity, strict=True):
        if similarity == 1.0:
            a, b = sorted((parent[one], parent[other]))
            parent = [a if root == b else root for root in parent]
    assert len(set(parent[:70])) == 1


def test_the_candidates_depend_neither_on_the_order_of_the_images_nor_on_the_number_of_threads(camera):
    def found(frame, workers):
        with ThreadPoolExecutor(workers) as threads:
            batches = list(candidates(from_frame(frame), Dedupe(), threads, workers))
        return sorted(map(tuple, np.concatenate(batches).tolist()))

    whole = found(camera, 1)
    assert found(camera.sample(frac=1, random_state=1), 1) == whole
    assert found(camera, 3) == whole


@given(st.integers(0, 10**7), st.floats(0, 1))
def test_a_view_must_agree_better_in_a_larger_collection(size, least):
    asked = view_agreement(size, least)
    assert least <= asked <= max(least, 0.85)
    assert asked <= view_agreement(2 * size, least)
    assert size >= FEW or asked == least


def test_no_more_than_a_few_pairs_of_each_image_are_correlated():
    asked = []

    def counted(pairs):
        asked.append(len(pairs))
        return difference(pairs)

    size = 150
    every = np.argwhere(np.triu(np.ones((size, size), bool), 1)).astype(np.int32)
    pairs = np.column_stack([every, np.zeros((len(every), 2), np.int32)])
    list(Bound(size).nearest([pairs], counted, roughly))
    assert sum(asked) <= candidate_bound.ROUGH_PAIRS * size < len(pairs) * 0.9


@given(st.integers(0, 99), st.integers(0, 7))
def test_a_rough_picture_is_that_of_any_light_and_turns_with_the_picture(seed, turn):
    grey = np.random.default_rng(seed).integers(40, 90, (1, 32, 32)).astype(np.uint8)
    other = np.ascontiguousarray(2 * np.rot90(grey[:, :, ::-1] if turn >= 4 else grey, turn % 4, (1, 2)) + 7)
    both = candidate_bound.rough_pictures(np.concatenate([grey, other]).reshape(2, -1))
    turns = [int(candidate_bound.roughly_apart(both, np.array([[0, 1, way, 0]], np.int32))[0]) for way in range(8)]
    assert min(turns) == 0
