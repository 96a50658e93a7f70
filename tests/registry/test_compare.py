import numpy as np
import pandas as pd
import pytest

from curation.evaluation.comparison.compare_rounds import CompareError, compare, read_revision
from curation.project import Project

pytestmark = pytest.mark.pipeline


def test_two_revisions_from_dvcs_cache(project):
    labels = ["cat", "cat", "dog", "dog"]
    project.round(project.predictions(labels, ["cat", "dog", "dog", "dog"], [""] * 4))
    project.run("git", "tag", "first")
    project.round(project.predictions(labels, ["cat", "cat", "dog", "cat"], [""] * 4), weight=1.0)
    found = compare(read_revision(Project(project.root), "first"), read_revision(Project(project.root), "workspace"))
    result = found.sets["benchmark/frozen"]
    assert (result.images, result.better, result.worse, result.p_value) == (4, 1, 1, 1.0)
    assert found.changed[["label", "old", "new", "change"]].to_numpy().tolist() == [
        ["dog", "dog", "cat", "worse"],
        ["cat", "dog", "cat", "better"],
    ]
    assert found.classes["difference"].tolist() == [-0.5, 0.5]
    with pytest.raises(CompareError, match="`nowhere` has no "):
        read_revision(Project(project.root), "nowhere")


LEARNT = [("1", "train", "", "cat", "cat"), ("2", "train", "", "dog", "dog")]


def table(rows, known=("cat", "dog")):
    """Predictions of a model that knows these classes: it has learnt from an image of each."""
    columns = ["image_id", "split", "benchmark_set", "label", "predicted", "confidence"]
    frame = pd.DataFrame([(*row, 0.5) for row in [*LEARNT, *rows]], columns=columns)
    return frame.assign(loss=np.where(frame["label"].isin(known), 0.5, np.nan))


def test_images_that_one_of_the_two_learnt_from_are_left_out():
    old = table([("a", "test", "", "cat", "cat"), ("b", "train", "", "cat", "cat"), ("c", "test", "", "cat", "dog")])
    new = table([("a", "test", "", "cat", "dog"), ("b", "test", "", "cat", "cat"), ("c", "train", "", "cat", "cat")])
    found = compare(old, new)
    assert (found.sets["test"].images, found.sets["test"].worse, found.left_out) == (1, 1, 2)


def test_the_newer_label_is_the_truth_for_both():
    old, new = table([("a", "test", "", "cat", "cat")]), table([("a", "test", "", "dog", "dog")])
    found = compare(old, new)
    assert (found.sets["test"].better, found.relabelled) == (1, 1)


def test_images_of_classes_that_a_model_does_not_know_say_nothing_of_it():
    rows = [("a", "test", "", "cat", "cat"), ("b", "test", "", "dog", "dog"), ("c", "test", "", "elk", "cat")]
    found = compare(table(rows, ("cat",)), table(rows))
    assert (found.sets["test"].images, found.other_classes, found.left_out) == (1, 2, 0)
    assert found.classes["class"].tolist() == ["cat"]


def test_nothing_in_common_is_an_error():
    with pytest.raises(CompareError, match="share no image"):
        compare(table([("a", "test", "", "cat", "cat")]), table([("b", "test", "", "cat", "cat")]))
