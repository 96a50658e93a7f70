"""The faults of the messy sample are found, with a seed that no setting was chosen by. Only this reads the truth."""

import pandas as pd
import pytest

pytestmark = pytest.mark.pipeline

BROKEN = {"truncated", "text", "empty"}
COPIES = {"re-encoded", "resized", "brightened", "flipped", "identical"}


@pytest.fixture(scope="module")
def truth(demo) -> pd.DataFrame:
    return pd.read_csv(demo.root / ".cache" / "curation" / "sample_truth.csv", keep_default_na=False)


def test_every_broken_file_is_listed_and_nothing_else(demo, truth):
    images = demo.table("images")
    broken = truth[truth.kind.isin(BROKEN)]
    assert len(broken) == 3
    assert set(images.loc[images.error != "", "image_id"]) == set(broken.image_id)


@pytest.mark.parametrize("kind", ["EXIF-rotated", "16-bit"])
def test_odd_encodings_are_read_as_a_person_sees_them(demo, truth, kind):
    images = demo.table("images").set_index("image_id")
    odd = images.loc[truth.image_id[truth.kind == kind]]
    assert len(odd) == 2
    assert (odd.error == "").all()
    assert odd.contrast.min() > 0.02


def test_all_copies_are_out_of_training(demo, truth):
    splits = demo.table("splits").set_index("image_id")
    by_path = truth.set_index("path").image_id
    copies = truth[truth.kind.isin(COPIES | {"copy, other label", "copy, pool", "copy, benchmark"})]
    copies = copies[copies.image_id != copies.copy_of.map(by_path)]  # the same bytes are one image
    assert len(copies) > 40
    assert set(copies.kind) >= {"re-encoded", "flipped", "copy, other label", "copy, pool", "copy, benchmark"}
    for copy in copies.itertuples():
        found = {splits.split.get(name, "out") for name in (copy.image_id, by_path[copy.copy_of])}
        scored = found & {"train", "val", "test", "benchmark"}
        trained = [name for name in (copy.image_id, by_path[copy.copy_of]) if splits.split.get(name) == "train"]
        assert len(trained) <= 1, copy.path
        assert len(scored) <= 1, copy.path
        if copy.kind == "copy, benchmark":
            assert not trained, copy.path


def test_copies_under_another_label_leave_training_with_the_reason(demo, truth):
    selection = demo.table("selection").set_index("image_id")
    by_path = truth.set_index("path").image_id
    conflicts = truth[truth.kind == "copy, other label"]
    assert len(conflicts) == 8
    for copy in conflicts.itertuples():
        for name in {copy.image_id, by_path[copy.copy_of]}:
            assert selection.state[name] != "kept", copy.path
            assert "label conflict" in selection.reason[name], selection.reason[name]


def test_class_cutoffs_are_right(demo, truth):
    selection = demo.table("selection")
    kept = selection[selection.state == "kept"].label.value_counts()
    assert kept.min() >= 40
    assert kept.max() == 400
    assert (selection.state == "reserve").sum() > 0
    thin = truth[(truth["round"] == 1) & (truth.label != "unknown") & truth.path.str.startswith("data/raw/")]
    smallest = thin.groupby("label").path.size().idxmin()
    assert smallest not in kept.index
    left_out = selection[(selection.label == smallest) & (selection.state == "dropped")]
    assert left_out.reason.str.contains("of the 40 images it needs").any(), left_out.reason.unique()


def test_staged_and_synthetic_images_are_only_in_train(demo, truth):
    splits = demo.table("splits").set_index("image_id")
    made = truth[truth.origin.isin(["staged", "synthetic"])]
    found = splits.split.reindex(made.image_id).dropna()
    assert len(made) >= 10
    assert set(found) <= {"train", "reserve", "out"}


def test_flipped_labels_stand_early_in_the_queue(demo, truth):
    flipped = set(truth.image_id[truth.kind == "label flipped"])
    errors = demo.table("errors").sort_values("rank")
    queued = errors.image_id.isin(flipped)
    assert queued.sum() >= 0.6 * len(flipped)
    assert queued.head(len(flipped)).sum() >= 0.4 * len(flipped)
