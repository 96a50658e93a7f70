"""What to label next: the right number, no copies, each strategy, class wants, and the first labels without a model."""

import numpy as np
import pytest
from factories.tables import identified, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from curation import tables
from curation.pool.acquisition import STRATEGIES, Pool, choose
from curation.pool.next_to_label import ProposalError, propose, seed_images
from curation.predict.ood import unit


def pool(count, labelled=10, seed=0, classes=4):
    rng = np.random.default_rng(seed)
    sure = rng.dirichlet(np.full(classes, 0.5), count).astype(np.float32)
    order = np.argsort(-sure, axis=1)
    vectors = unit(rng.normal(size=(count + labelled, 6)).astype(np.float32))
    return Pool(vectors[:count], np.take_along_axis(sure, order, 1), order, vectors[count:])


@pytest.mark.parametrize("strategy", sorted(STRATEGIES))
@given(count=st.integers(1, 40), wanted=st.integers(0, 50), labelled=st.integers(0, 5), seed=st.integers(0, 99))
@settings(max_examples=5)
def test_each_strategy_chooses_different_images_and_the_same_ones_again(strategy, count, wanted, labelled, seed):
    world = pool(count, labelled, seed)
    first = choose(world, wanted, strategy, seed)
    assert len(first) == min(count, wanted) == len(set(first.tolist()))
    assert (first == choose(world, wanted, strategy, seed)).all()


def test_margin_and_entropy_take_the_least_sure(monkeypatch):
    world = pool(50)
    gap = world.probabilities[:, 0] - world.probabilities[:, 1]
    assert choose(world, 5, "margin", 0).tolist() == np.argsort(gap, kind="stable")[:5].tolist()
    even = (world.probabilities * np.log(np.maximum(world.probabilities, 1e-12))).sum(1)
    assert choose(world, 1, "entropy", 0)[0] == np.argmin(even)


def test_kcenter_covers_every_clump():
    rng = np.random.default_rng(0)
    vectors = unit(
        np.concatenate([rng.normal(0, 0.01, (30, 5)) + np.eye(5)[clump] for clump in range(5)]).astype(np.float32)
    )
    world = Pool(vectors, np.ones((150, 1), np.float32), np.zeros((150, 1), np.int64), vectors[:1])
    assert {row // 30 for row in choose(world, 4, "kcenter", 0)} == {1, 2, 3, 4}
    assert len({row // 30 for row in choose(world, 4, "typicality", 0)}) == 4


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    rows = []
    for number in range(60):
        first, second = ("red", "blue") if number % 2 else ("green", "red")
        sure = float(rng.uniform(0.4, 0.99))
        rows.append({
            "label": first, "confidence": sure,
            "top_labels": [first, second], "top_confidences": [sure, 0.95 * (1 - sure)],
            "embedding": rng.normal(size=8).astype("<f2").tobytes(),
            "leak_group": f"pair {number // 2}" if number < 20 else f"{number}",
            "near_duplicate_of": "f" * 32 if number == 30 else "", "error": "cut" if number == 31 else "",
        })  # fmt: skip
    return identified(*rows)


@pytest.fixture
def scored():
    rng = np.random.default_rng(1)
    facts = [
        {
            "image_id": f"{900 + n:032x}",
            "split": "train",
            "label": "red",
            "embedding": rng.normal(size=8).astype("<f2").tobytes(),
        }
        for n in range(30)
    ]
    return rows_of(tables.PREDICTIONS, facts)


@pytest.mark.parametrize("strategy", ["auto", *sorted(STRATEGIES)])
def test_twins_are_never_proposed_together_nor_what_is_known(table, scored, strategy):
    found = propose(table, scored, 100, strategy)
    assert len(found) == 10 + 38
    assert found.leak_group.is_unique
    assert (found.near_duplicate_of == "").all()
    assert (found.error == "").all()


def test_class_wants_come_first(table, scored):
    found = propose(table, scored, 12, "margin", {"blue": 5})
    assert len(found) == 12
    assert list(found.wanted_for[:5]) == ["blue"] * 5
    assert all("blue" in names for names in found.top_labels[:5])
    assert found.image_id.is_unique


def test_a_strategy_that_does_not_exist_is_one_clear_error(table, scored):
    with pytest.raises(ProposalError, match="kcenter"):
        propose(table, scored, 5, "clever")


def test_seed_needs_no_model_and_spreads_over_what_there_is(tmp_path, picture):
    from curation.images.image_measures import Settings, measure

    images, copies = [], []
    for number in range(30):
        label = ["red", "green", "blue"][number % 3]
        path = picture(tmp_path / f"{number}.png", label, number)
        facts = measure(path.read_bytes(), path.name, Settings())
        image_id = f"{number:032x}"
        images.append({"image_id": image_id, "source": "unlabelled", "thumbnail": facts.thumbnail, "path": label})
        copies.append({"image_id": image_id, "leak_group": "all" if number in (0, 3, 6) else image_id})
    frame = rows_of(tables.IMAGES, images)
    found = seed_images(frame, rows_of(tables.DUPLICATES, copies), 3)
    assert set(found.path) == {"red", "green", "blue"}
    everything = seed_images(frame, rows_of(tables.DUPLICATES, copies), 100)
    assert len(everything) == 28
    with pytest.raises(ProposalError, match="data/unlabelled"):
        seed_images(frame.assign(source="raw"), rows_of(tables.DUPLICATES, copies), 3)
