"""The second round: promote, bring one class more, and train on from the promoted model."""

import json

import numpy as np
import pytest

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def second(demo):
    """The demo, promoted and repeated with the images of its thin class."""
    demo.before = demo.table("splits").set_index("image_id").split
    demo.run("curate", "promote")
    demo.commit("Promote")
    demo.run("curate", "sample", "digits", "--mess", "--seed", "20263", "--round", "2")
    demo.run("dvc", "add", "-q", "data/raw")
    demo.run("dvc", "repro")
    return demo


def test_the_new_class_is_in_the_model(second):
    from curation.model.header import read_header

    parent = read_header(second.root / "models" / "production.safetensors")
    child = read_header(second.root / "models" / "candidate.safetensors")
    assert len(child.classes) == len(parent.classes) + 1
    assert set(parent.classes) < set(child.classes)


def test_the_lineage_is_carried_and_no_image_changes_its_side(second):
    from curation.model.header import read_header

    child = read_header(second.root / "models" / "candidate.safetensors")
    now = second.table("splits").set_index("image_id").split
    sides = {"train", "val", "test", "benchmark"}
    for image_id, side in second.before.items():
        if side not in sides:
            continue
        assert child.lineage[image_id] == side
        if now.get(image_id) in sides:
            assert now[image_id] == side


def test_the_second_model_is_as_good_as_the_first(second):
    predictions = second.table("predictions")
    held_out = predictions[predictions.split == "test"]
    right = np.asarray(held_out.predicted == held_out.label)
    assert right.mean() > 0.8


def test_the_pages_say_that_production_is_the_base(second):
    metrics = json.loads((second.root / "reports" / "metrics.json").read_text())
    assert metrics


def test_a_throwaway_model_is_not_promoted(second, copy_of):
    second = copy_of(second.root)
    second.replace("params.yaml", "throwaway: false", "throwaway: true")
    second.replace("params.yaml", "epochs: 8", "epochs: 1")
    second.run("dvc", "repro", "train")
    out = second.run("curate", "promote", code=1)
    assert "throw" in out.lower()
    assert "Traceback" not in out
