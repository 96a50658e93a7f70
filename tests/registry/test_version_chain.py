"""The line over versions, and the use of the benchmark: what they add up, and where they begin anew."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from curation.cli.main import app
from curation.evaluation.comparison.paired import against
from curation.evaluation.uncertainty.best_of import expected_best, optimism
from curation.files.append_only import append_lines
from curation.project import Project
from curation.registry import benchmark_use, refusals
from curation.registry.promote import Choice, PromotionRefusedError, promote, rollback
from curation.registry.version_chain import chain
from curation.registry.versions import Entry, line, read_log
from curation.registry.versions_listed import listed


def entry(version, md5, parent="", links=None, action="promote", **metrics):
    facts = {"metrics": metrics, "links": links or {}}
    return Entry(
        action, version, md5, 9, "", 9, ["cat", "dog"], parent, "", "", "2026-01-01T00:00:00+00:00", "A", **facts
    )


def append(project, entry):
    append_lines(project.versions, [line(entry).rstrip()])


def link(difference, reach=0.02):
    return {"difference": difference, "low": difference - reach, "high": difference + reach}


def test_differences_add_up_along_the_line_of_models_and_a_rollback_leaves_it():
    log = [
        entry("v1.0.0", "a", "backbone"),
        entry("v1.0.1", "b", "a", {"test": link(0.03), "benchmark": link(0.01)}),
        entry("v1.0.0", "a", action="rollback"),
        entry("v1.0.2", "c", "a", {"test": link(0.02)}),
        entry("v1.0.3", "d", "c", {"test": link(0.01)}),
    ]
    found = chain(log, "test")
    assert {name: round(change.difference, 6) for name, (_, change) in found.items()} == {
        "v1.0.0": 0,
        "v1.0.1": 0.03,
        "v1.0.2": 0.02,
        "v1.0.3": 0.03,
    }
    assert found["v1.0.3"][1].high - found["v1.0.3"][1].difference == pytest.approx(0.02 * 2**0.5)
    assert chain(log, "benchmark")["v1.0.2"] == ("v1.0.2", chain(log, "benchmark")["v1.0.0"][1]), "a line of its own"


@given(seed=st.integers(0, 2**32 - 1), rounds=st.integers(1, 6), count=st.integers(1, 200))
def test_on_the_same_images_the_chain_is_the_difference_of_the_ends(seed, rounds, count):
    rng = np.random.default_rng(seed)
    right = rng.random((rounds + 1, count)) < 0.8
    log = [entry("v0", "0")]
    for number in range(rounds):
        links = {"test": against(right[number + 1], right[number], np.arange(count)).as_dict()}
        log.append(entry(f"v{number + 1}", str(number + 1), str(number), links))
    change = chain(log, "test")[f"v{rounds}"][1]
    assert change.difference == pytest.approx(right[-1].mean() - right[0].mean())
    assert change.low <= change.difference <= change.high


def test_every_benchmark_set_is_listed_with_its_interval(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).touch()
    facts = {"images": 10, "accuracy": 0.8, "accuracy_low": 0.5, "accuracy_high": 0.9}
    append(Project(tmp_path), entry("v1.0.0", "a", test=facts, benchmark={"lab": facts, "street": facts}))
    append(Project(tmp_path), entry("v1.0.1", "b", "a", {"test": link(0.03)}, test=facts, benchmark={"lab": facts}))
    newest, first = listed(read_log(Project(tmp_path)))
    assert first["benchmark/street_accuracy_high"] == 0.9
    assert newest["benchmark/street_accuracy"] == ""
    assert (newest["test_since"], newest["test_change"]) == ("v1.0.0", 0.03)
    shown = CliRunner().invoke(app, ["versions"], terminal_width=300).stdout
    assert "+3.0 (+1.0 to +5.0)" in " ".join(shown.split())
    assert "0.800 (0.500 to" in " ".join(shown.split())


@pytest.mark.parametrize(("tries", "expected"), [(1, 0), (2, 0.5642), (5, 1.1630), (20, 1.8675), (100, 2.5076)])
def test_the_largest_of_normal_numbers_is_that_of_the_tables(tries, expected):
    assert expected_best(tries) == pytest.approx(expected, abs=1e-3)


def test_optimism_grows_with_tries_and_falls_with_images():
    assert optimism([0.9], 200) == optimism([], 200) == optimism([0.9] * 5, 0) == 0
    assert (
        optimism([0.9] * 20, 200) > optimism([0.9] * 5, 200) > optimism([0.9] * 5, 1000) > optimism([1.0] * 5, 1000) > 0
    )


@pytest.mark.pipeline
def test_promotions_are_chained_and_all_judged_candidates_count(project, monkeypatch):
    labels = ["cat"] * 50 + ["dog"] * 50
    right = project.predictions(labels, labels, [""] * 100)
    project.round(right)
    promote(Project(project.root), Choice())
    base = ["cat"] * 60 + ["dog"] * 40
    project.model("backbone", weight=3.0)
    worse = ["cat"] * 75 + ["dog"] * 25
    project.round(project.predictions(labels, worse, base), weight=1.0)
    with pytest.raises(PromotionRefusedError):
        promote(Project(project.root), Choice())
    assert len(refusals.read(Project(project.root))) == 1
    project.round(project.predictions(labels, labels, base), weight=2.0)
    done = promote(Project(project.root), Choice())
    assert done.entry.links["benchmark"]["difference"] == done.entry.links["benchmark/frozen"]["difference"] == 0.1
    metrics = {"benchmark": {"frozen": {"images": 100, "accuracy": 0.9}}}
    (use,) = benchmark_use.uses(Project(project.root), metrics)
    assert (use.judged, use.promoted, use.refused) == (3, 2, 1)
    assert use.optimism == pytest.approx(optimism([0.9] * 3, 100), abs=1e-6)
    assert "has judged 3 candidates (2 promoted, 1 refused)" in use.sentence()
    rollback(Project(project.root), "v1.0.0", Choice())
    (use,) = benchmark_use.uses(Project(project.root), metrics)
    assert use.judged == 3, "a rollback is no use"
    monkeypatch.chdir(project.root)
    (project.root / "reports/metrics.json").write_text(json.dumps(metrics))
    (row,) = json.loads(CliRunner().invoke(app, ["benchmark", "status", "--json"]).stdout)
    assert row["judged"] == 3
