"""No stage writes something else than its behaviour version says, and none reads what dvc.yaml does not list.

`golden.json` holds what every stage writes on a tiny project that never changes. When a test here fails and the change
is meant, its message says how to raise the version and renew the file.
"""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

import golden_run
import stage_runs
from fingerprints import differences, fingerprint

from curation.project.behaviour_versions import VERSIONS

GOLDEN = golden_run.golden()
UNCHECKED = {"train.checks": False}  # the sanity checks take longer than the training, and change nothing
RECIPE = {
    "train.weight_decay": 0.04,
    "train.warmup": 0.5,
    "train.ema": 0.9,
    "train.label_smoothing": 0.09,
    "train.clip": 0.1,
    "train.head": "zero",
    "train.balance": "class",
    "train.augment.flip": 0.4,
    "train.augment.rotate": 9,
    "train.augment.zoom_in": 0.15,
    "train.augment.zoom_out": 0.15,
    "train.augment.erase": 0.2,
}
TABLES = [
    ("dedupe", {"dedupe.min_similarity": 0.999}),
    ("cutoff", {"cutoff.max": 25}),
    ("split", {"split.salt": "another"}),
    ("resize", {"resize.store": "jpeg"}),
    ("cluster", {"cluster.doubt_below": 0.7}),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What every stage wrote, what is said about it, and the project as it is then."""
    folder = tmp_path_factory.mktemp("golden")
    found = golden_run.run_all(folder)
    return found, golden_run.complaints(found, GOLDEN), folder / "project"


@pytest.mark.parametrize("stage", VERSIONS)
def test_a_stage_writes_what_its_behaviour_version_says(run, stage):
    found, said, _ = run
    assert found[stage]
    assert stage not in said, said[stage]


def changed(run, tmp_path, stage, changes):
    """What the golden file says of a stage that runs with other parameters."""
    sandbox = stage_runs.run_stage(run[2], stage, tmp_path, changes)
    return differences(stage, GOLDEN[stage]["values"], fingerprint(stage, sandbox))


def test_training_without_its_sanity_checks_gives_the_same_model(run, tmp_path):
    assert changed(run, tmp_path, "train", UNCHECKED) == []


@pytest.mark.parametrize("key", RECIPE)
def test_a_change_of_the_recipe_is_seen_in_the_weights(run, tmp_path, key):
    parts = changed(run, tmp_path, "train", {**UNCHECKED, key: RECIPE[key]})
    assert [part for part in parts if "weights of" in part], parts


def test_a_constant_of_the_training_loop_is_seen_too(run, tmp_path, monkeypatch):
    class Slower(torch.optim.AdamW):
        def __init__(self, *given, **named):
            super().__init__(*given, **{"betas": (0.9, 0.99), **named})

    monkeypatch.setattr(torch.optim, "AdamW", Slower)
    assert changed(run, tmp_path, "train", UNCHECKED)


@pytest.mark.parametrize(("stage", "changes"), TABLES, ids=[stage for stage, _ in TABLES])
def test_a_change_of_a_table_is_seen(run, tmp_path, stage, changes):
    assert changed(run, tmp_path, stage, changes)


def test_the_message_names_the_column_and_the_command():
    values = {**GOLDEN["dedupe"]["values"], "data/duplicates.parquet: keeper": "other"}
    found = {name: entry["values"] for name, entry in GOLDEN.items()} | {"dedupe": values}
    said = golden_run.complaints(found, GOLDEN, {name: entry["version"] for name, entry in GOLDEN.items()})
    assert list(said) == ["dedupe"]
    assert "data/duplicates.parquet: keeper" in said["dedupe"]
    assert "curate init --update" in said["dedupe"]
    assert "tests/golden/renew.py" in said["dedupe"]


def test_what_follows_a_changed_stage_needs_no_version_of_its_own():
    found = {name: dict(entry["values"]) for name, entry in GOLDEN.items()}
    for name in ("dedupe", "cutoff", "split"):
        found[name] |= {key: "other" for key in found[name] if ".parquet" in key}
    said = golden_run.complaints(found, GOLDEN, {name: entry["version"] for name, entry in GOLDEN.items()})
    blamed = [name for name, text in said.items() if "writes something else" in text]
    assert (blamed, set(said)) == (["dedupe"], {"dedupe", "cutoff", "split"})


def test_a_file_that_is_no_dep_is_missed(run, tmp_path):
    project = run[2]
    stage = stage_runs.read_stages(project)["cluster"]
    stage["deps"].remove("data/splits.parquet")
    stage_runs.fill(tmp_path / "cluster", project, stage)
    assert (tmp_path / "cluster/data/splits.parquet").read_bytes() == stage_runs.POISON
    with (
        pytest.raises(stage_runs.UndeclaredError, match=r"data/splits\.parquet"),
        stage_runs.watched(tmp_path / "cluster", stage),
    ):
        (tmp_path / "cluster/data/splits.parquet").read_bytes()
