import re

import numpy as np
import pandas as pd
import pytest
from factories import rounds

from curation import tables
from curation.evaluation.fit_calibration import calibrate
from curation.evaluation.neighbours import nearest, unit
from curation.evaluation.prediction_table import write_predictions
from curation.evaluation.queue import error_clusters
from curation.evaluation.queue.review_queue import Inputs, review_queue
from curation.params.blocks import Params


@pytest.fixture
def made(tmp_path):
    splits, scored, base, truth = rounds.make(700, flip=0.05)
    calibration = calibrate(splits, scored, np.zeros(len(splits), bool), 0)
    write_predictions(tmp_path / "p.parquet", splits, (scored, base), calibration)
    table = tables.read(tmp_path / "p.parquet", tables.PREDICTIONS)
    return Inputs(table, rounds.images(splits), rounds.duplicates(splits), splits), truth


def test_flipped_labels_come_first_in_the_queue_with_their_true_label(made):
    inputs, truth = made
    queue = review_queue(inputs, Params()).sort_values("rank")
    right = pd.Series(truth, index=inputs.splits.image_id)
    flipped = inputs.splits.image_id[inputs.splits.label.to_numpy() != truth]
    first = queue.head(len(inputs.splits) // 10)
    assert flipped.isin(first.image_id).mean() >= 0.9
    found = first[first.image_id.isin(flipped)]
    assert (found.suggested == right[found.image_id].to_numpy()).mean() >= 0.9


def test_every_error_is_in_the_queue_and_the_table_is_valid(made, tmp_path):
    inputs, _ = made
    queue = review_queue(inputs, Params())
    tables.write(queue, tmp_path / "errors.parquet", tables.ERRORS)
    wrong = inputs.predictions.loc[inputs.predictions.label != inputs.predictions.predicted, "image_id"]
    assert set(wrong) <= set(queue.image_id)
    assert sorted(queue["rank"]) == list(range(len(queue)))
    assert queue.sort_values("rank").gain.is_monotonic_decreasing
    assert queue.label_error.between(0, 1).all()
    assert queue.label_error.max() > 0.9
    assert queue.label_error.min() < 0.1


def test_the_order_of_the_rows_changes_nothing(made):
    inputs, _ = made
    shuffled = Inputs(*(frame.sample(frac=1, random_state=3) for frame in vars(inputs).values() if frame is not None))
    one, two = (review_queue(each, Params()) for each in (inputs, shuffled))
    pd.testing.assert_frame_equal(one, two)


def test_a_dark_group_taken_for_another_class_says_so(made):
    inputs, _ = made
    rng = np.random.default_rng(0)
    chosen = inputs.predictions.index[(inputs.predictions.label == "cat")][:25]
    spot = [rng.normal(30, 0.05, 12).astype("<f2").tobytes() for _ in chosen]
    inputs.predictions.loc[chosen, "predicted"] = "dog"
    inputs.predictions["embedding"] = inputs.predictions["embedding"].astype(object)
    inputs.predictions.loc[chosen, "embedding"] = pd.Series(spot, index=chosen)
    dark = inputs.images.image_id.isin(inputs.predictions.image_id[chosen])
    inputs.images.loc[dark, "brightness"] = 0.001
    queue = review_queue(inputs, Params()).set_index("image_id")
    group = queue.loc[inputs.predictions.image_id[chosen]]
    number = group.cluster.mode()[0]
    words = queue[queue.cluster == number].explanation.iloc[0]
    assert number >= 0
    assert "cat taken for dog" in words
    assert re.search(r"9\d% are dark \(\d+% of the queue, \d+% of the images of cat named rightly\)", words)
    assert "found again in" in words


def test_a_twin_under_another_label_is_a_conflict_between_the_two(made):
    inputs, _ = made
    row = inputs.predictions.index[(inputs.predictions.label == inputs.predictions.predicted)][0]
    image, label = inputs.predictions.loc[row, ["image_id", "label"]]
    other = "dog" if label != "dog" else "cat"
    inputs.duplicates.loc[inputs.duplicates.image_id == image, "conflict"] = f"elk / {other}"
    queue = review_queue(inputs, Params()).set_index("image_id")
    assert queue.loc[image, "kind"] == "conflict"


def test_a_queue_of_nothing(made, tmp_path):
    inputs, _ = made
    none = inputs.predictions.iloc[:0]
    queue = review_queue(Inputs(none, inputs.images, inputs.duplicates, inputs.splits), Params())
    tables.write(queue, tmp_path / "errors.parquet", tables.ERRORS)
    assert len(queue) == 0


def test_clusters_are_numbered_by_size_and_noise_stays():
    assert error_clusters.renumber(np.array([5, 5, -1, 2, 2, 2, 7])).tolist() == [1, 1, -1, 0, 0, 0, 2]


def test_tight_clusters_are_found_again():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(at, 0.1, (40, 2)) for at in (0, 5, 10)]).astype(np.float32)
    how = 5, error_clusters.NEAR * error_clusters.usual_distance(points, 0)
    labels = error_clusters.cluster(points, *how)
    found = error_clusters.stability(points, labels, *how, 0)
    assert len(found) == 3
    assert min(found.values()) > 0.9


def test_images_in_one_place_part_by_what_they_are_taken_for():
    points = np.random.default_rng(0).normal(0, 1, (60, 3)).astype(np.float32)
    label, taken = np.zeros(60, int), np.repeat([1, 2, 3], 20)
    usual = error_clusters.usual_distance(points, 0)
    found = error_clusters.cluster(
        error_clusters.with_pairs(points, [label, taken], 3 * usual), 5, error_clusters.NEAR * usual
    )
    parts = [set(found[taken == code]) - {-1} for code in (1, 2, 3)]
    assert all(parts)
    assert sum(map(len, parts)) == len(set.union(*parts))


def test_hundreds_of_classes_stay_apart_in_few_dimensions():
    codes = np.arange(300)
    placed = error_clusters.with_pairs(np.zeros((300, 1), np.float32), [codes, codes], 1.0)
    assert placed.shape == (300, 25)
    gaps = np.linalg.norm(placed[:, None] - placed[None], axis=2)[np.triu_indices(300, 1)]
    assert gaps.min() > 0.4


def test_among_thousands_a_cluster_is_larger():
    assert [error_clusters.least_size(count, 5) for count in (10, 100, 10_000)] == [5, 5, 50]


def test_neighbours_in_cells_find_nearly_all_that_a_full_search_finds(monkeypatch):
    vectors = unit(np.random.default_rng(0).normal(size=(3000, 8)))
    groups = np.arange(3000) // 2
    exact = nearest(vectors, vectors, 10, groups=(groups, groups))
    monkeypatch.setattr("curation.evaluation.neighbours.EXACT_UP_TO", 100)
    quick = nearest(vectors, vectors, 10, groups=(groups, groups))
    shared = [len(set(a) & set(b)) for a, b in zip(exact.rows.tolist(), quick.rows.tolist(), strict=True)]
    assert np.mean(shared) / 10 > 0.6
    assert not any(groups[row] in groups[line[line >= 0]] for row, line in enumerate(quick.rows))
