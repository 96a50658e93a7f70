"""What the demo's first round made, looked at and not touched."""

import json

import pandas as pd
import pytest

from curation.evaluation.queue.blind_review import BLIND, BY_MODEL
from curation.tables.codes import MEASURED_SPLITS

pytestmark = pytest.mark.pipeline


def test_git_is_clean_after_what_dvc_tells_to_commit(demo):
    assert demo.run("git", "status", "--short") == ""
    tracked = demo.run("git", "ls-files", "data", "models", "reports").split()
    assert {"data/raw.dvc", "data/reviews.csv", "reports/metrics.json"} <= set(tracked)
    assert not [name for name in tracked if name.endswith((".parquet", ".safetensors", ".png", ".jpg"))]


def test_a_second_run_has_nothing_to_do(demo):
    assert "Data and pipelines are up to date" in demo.run("dvc", "repro")
    demo.run("dvc", "status", "-q")


def test_every_image_is_accounted_for(demo):
    images, selection, splits = demo.table("images"), demo.table("selection"), demo.table("splits")
    assert set(selection.image_id) == set(images.image_id)
    assert selection.loc[selection.state != "kept", "reason"].str.len().gt(0).all()
    assert splits.loc[splits.split == "out", "reason"].str.len().gt(0).all()


def test_no_leak_group_is_in_two_splits(demo):
    splits = demo.table("splits")
    scored = splits[splits.split.isin(["train", "val", "test", "benchmark"])]
    assert scored.groupby("leak_group").split.nunique().max() == 1
    assert set(scored.loc[scored.origin != "real", "split"]) <= {"train"}


def test_summary_is_five_lines_and_then_the_warnings(demo):
    lines = demo.run("curate", "summary").strip().splitlines()
    warnings = demo.json("curate", "summary", "--json")["warnings"]
    assert [line.startswith("warning: ") for line in lines] == [False] * 5 + [True] * len(warnings)


def test_unknowns_are_sorted_and_sure(demo):
    rows = demo.json("curate", "unknowns", "--min-conf", "0.8", "--json")
    assert rows
    assert {"image_id", "path", "label", "confidence"} <= set(rows[0])
    sure = [row["confidence"] for row in rows]
    assert sure == sorted(sure, reverse=True)
    assert min(sure) >= 0.8


def test_the_queue_is_in_fiftyone(demo):
    receipt = json.loads((demo.root / "reports" / "review.json").read_text())
    errors = demo.table("errors")
    assert len(errors) > 0
    kinds = receipt["kinds"]
    open_kinds = errors[~(errors.split.isin(MEASURED_SPLITS) & errors.kind.isin(BY_MODEL))].kind.value_counts()
    assert {kind: count for kind, count in kinds.items() if kind != BLIND} == open_kinds.to_dict()
    hidden = len(errors) - open_kinds.sum()
    assert hidden < kinds[BLIND] <= 2 * hidden + 3  # as many agreements are mixed in, rounded up in each split
    assert receipt["queue"] == sum(kinds.values())


def test_metrics_and_plots_are_there(demo):
    assert "test" in demo.run("dvc", "metrics", "show")
    demo.run("dvc", "plots", "show")
    assert (demo.root / "dvc_plots" / "index.html").stat().st_size > 10_000
    history = pd.read_csv(next((demo.root / "reports" / "train").glob("*.csv")))
    assert len(history) >= 1


def test_accuracy_is_that_of_a_model_that_learned(demo):
    predictions = demo.table("predictions")
    held_out = predictions[predictions.split == "test"]
    assert (held_out.predicted == held_out.label).mean() > 0.8
