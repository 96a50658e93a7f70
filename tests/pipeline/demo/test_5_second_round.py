"""The second round: promote, bring one class more, and train on from the promoted model."""

import json
from hashlib import md5

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


def test_the_lineage_is_carried_and_no_image_changes_its_split(second):
    from curation.model.header import read_header

    child = read_header(second.root / "models" / "candidate.safetensors")
    now = second.table("splits").set_index("image_id").split
    sides = ["train", "val", "test", "benchmark"]
    before = second.before[second.before.isin(sides)]
    assert set(before) == set(sides)
    assert [child.lineage[image_id] for image_id in before.index] == before.tolist()
    both = before.to_frame("before").join(now[now.isin(sides)].rename("now"), how="inner")
    assert len(both) > 0.9 * len(before)
    assert both.now.tolist() == both.before.tolist()


def test_the_second_model_is_as_good_as_the_first(second):
    predictions = second.table("predictions")
    held_out = predictions[predictions.split == "test"]
    right = np.asarray(held_out.predicted == held_out.label)
    assert right.mean() > 0.8


def test_the_pages_say_that_production_is_the_base(second):
    metrics = json.loads((second.root / "reports" / "metrics.json").read_text())
    told = json.loads((second.root / "reports" / "train" / "summary.json").read_text())
    page = (second.root / "reports" / "report.html").read_text()
    assert told["parent"] == md5((second.root / "models" / "production.safetensors").read_bytes()).hexdigest()
    assert "started from models/production.safetensors." in page
    found = second.table("predictions").query("split == 'test' and base_predicted != ''")
    now, before = found.predicted == found.label, found.base_predicted == found.label
    facts = metrics["against_base"]["test"]
    assert (facts["better"], facts["worse"]) == ((now & ~before).sum(), (before & ~now).sum())
    assert facts["images"] == len(found) > 50


def test_a_throwaway_model_is_not_promoted(second, copy_of):
    second = copy_of(second.root)
    second.replace("params.yaml", "throwaway: false", "throwaway: true")
    second.replace("params.yaml", "epochs: 8", "epochs: 1")
    second.run("dvc", "repro", "train")
    out = second.run("curate", "promote", code=1)
    assert "throw" in out.lower()
    assert "Traceback" not in out
