"""The short metrics file: enough to see what changed, never so much that nobody reads it."""

import json

import pytest
from factories.projects import Repository
from hypothesis import given
from hypothesis import strategies as st

from curation.evaluation.headline import headline, measured
from curation.project.places import Places

NUMBERS = dict.fromkeys(("accuracy", "top5", "precision", "recall", "f1", "log_loss", "ece", "auc", "f1_low"), 0.5)


def metrics_of(sets, accuracy=0.5):
    facts = {"images": 40, **NUMBERS, "accuracy": accuracy}
    change = {"images": 40, "better": 5, "worse": 2, "same": 33, "difference": 0.075, "p_value": 0.45}
    benchmark = dict.fromkeys(sets, facts)
    against = {"test": change, "benchmark": dict.fromkeys(sets, change)}
    return {"train": facts, "val": facts, "test": facts, "benchmark": benchmark, "against_base": against}


def leaves(value):
    return sum(map(leaves, value.values())) if isinstance(value, dict) else 1


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=30))
def test_it_has_at_most_twenty_numbers_whatever_the_number_of_sets(names):
    assert 9 <= leaves(headline(metrics_of(names))) <= 20


def test_it_says_the_same_accuracy_as_the_long_file():
    metrics = metrics_of(["field", "frozen"], 0.25)
    metrics["benchmark"]["frozen"] = {**NUMBERS, "images": 10, "accuracy": 0.75}
    short = headline(metrics)
    assert short["test"]["accuracy"] == 0.25
    assert short["benchmark"] == {"field": {"accuracy": 0.25}, "frozen": {"accuracy": 0.75}}


def test_of_many_sets_it_says_the_lowest_accuracy_and_that_over_all_images():
    metrics = metrics_of([f"set {number}" for number in range(9)], 1.0)
    metrics["benchmark"]["set 3"] = {"images": 40, "accuracy": 0.1}
    assert headline(metrics)["benchmark"] == {"sets": 9, "accuracy": 0.9, "lowest_accuracy": 0.1}


def test_a_set_without_an_accuracy_is_not_measured():
    metrics = metrics_of(["field"])
    metrics["benchmark"]["empty"] = {"images": 0}
    assert [name for name, _ in measured(metrics)] == ["train", "val", "test", "benchmark/field"]
    assert headline({}) == {}


@pytest.mark.pipeline
def test_dvc_metrics_diff_fits_on_a_screen(tmp_path):
    path = Places(tmp_path).headline
    name = path.relative_to(tmp_path.resolve()).as_posix()
    first = json.dumps(headline(metrics_of(["field", "frozen"])))
    one = Repository.start(tmp_path, {"dvc.yaml": f"metrics:\n- {name}\n", name: first})
    other = {key: value for key, value in metrics_of(["field", "frozen"], 0.75).items() if key != "against_base"}
    path.write_text(json.dumps(headline(other)))
    lines = one.run("dvc", "metrics", "diff", "--all").splitlines()
    assert 5 <= len(lines) <= 25
    assert any("test.accuracy" in line for line in lines)
