"""The OOD score: a rank that holds its level, the same for every order of the images, and through a file."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.predict.ood import GATE, Reference, chosen_rows, foreign, unit


def blobs(count, seed, classes=3, width=16):
    """Unit vectors around a mean for each class, with a few directions of large spread; and the classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    means = np.random.default_rng(7).normal(0, 2, (classes, width))
    vectors = means[labels] + rng.normal(size=(count, width)) * np.linspace(0.2, 1.5, width)
    return unit(vectors.astype(np.float32)), labels


def test_of_new_images_like_the_held_back_ones_at_most_5_in_100_are_foreign():
    shares = []
    for seed in range(40):
        vectors, labels = blobs(400, seed)
        reference = Reference.fit(vectors, labels, blobs(150, 100 + seed)[0])
        shares.append(foreign(reference.ood_scores(blobs(400, 200 + seed)[0])).mean())
    assert np.mean(shares) <= 0.055


def test_images_of_no_class_are_foreign():
    vectors, labels = blobs(400, 0)
    reference = Reference.fit(vectors, labels, blobs(150, 1)[0])
    strange = unit(np.random.default_rng(3).normal(size=(200, 16)).astype(np.float32))
    assert foreign(reference.ood_scores(strange)).mean() > 0.8


@given(st.integers(1, 60), st.integers(0, 5), st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_a_score_is_a_rank_below_1_and_does_not_depend_on_the_other_images(count, seed, held):
    vectors, labels = blobs(60, seed)
    reference = Reference.fit(vectors, labels, blobs(held, seed + 50)[0] if held else vectors[:0])
    queries = blobs(count, seed + 90)[0]
    scores = reference.ood_scores(queries)
    assert ((scores >= 0) & (scores < 1)).all()
    assert np.array_equal(reference.ood_scores(queries[::-1]), scores[::-1])
    ranks = scores * (len(reference.held_back) + 1)
    assert np.allclose(ranks, np.round(ranks), atol=1e-3)


def test_few_held_back_images_gate_nothing():
    vectors, labels = blobs(100, 0)
    reference = Reference.fit(vectors, labels, blobs(18, 1)[0])
    assert not foreign(reference.ood_scores(-vectors)).any()
    assert not foreign(np.array([np.nan, GATE - 0.01])).any()


def test_it_survives_json_to_the_bit():
    vectors, labels = blobs(300, 0, width=300)
    reference = Reference.fit(vectors, labels, blobs(90, 1, width=300)[0])
    again = Reference.from_dict(json.loads(json.dumps(reference.as_dict())))
    queries = blobs(50, 2, width=300)[0]
    assert np.array_equal(again.ood_scores(queries), reference.ood_scores(queries))
    assert reference.axes.shape == (300, 256)


def test_the_bank_has_the_same_limit_for_each_class():
    labels = np.repeat([0, 1, 2], [1000, 50, 5])
    rows = chosen_rows(labels, bank=90)
    assert np.bincount(labels[rows]).tolist() == [30, 30, 5]
