import json

import pytest
from typer.testing import CliRunner

from curation.cli.main import app
from curation.predict.model_lookup import resolve
from curation.project import Project, ProjectError
from curation.registry import refusals
from curation.registry.promote import Choice, PromotionRefusedError, promote, rollback
from curation.registry.versions import VersionError, read_log

pytestmark = pytest.mark.pipeline


def right(project, base=""):
    labels = ["cat", "cat", "dog", "dog"]
    return project.predictions(labels, labels, [base] * 4)


def test_promotion_copies_tracks_points_records_commits_and_tags(project):
    project.round(right(project))
    done = promote(Project(project.root), Choice())
    assert done.entry.version == "v1.0.0"
    production = project.root / "models/production.safetensors"
    assert production.read_bytes() == (project.root / "models/candidate.safetensors").read_bytes()
    assert production.with_name("production.safetensors.dvc").exists()
    assert production.with_name("production.calibration.json.dvc").exists()
    params = (project.root / "params.yaml").read_text()
    assert params.startswith("# a comment that stays\nbase_model: models/production.safetensors")
    assert "# and this one" in params
    record = json.loads((project.root / "models/production.json").read_text())
    assert record["person"] == "Ada <ada@example.org>"
    assert len(record["git_revision"]) == 40
    assert set(project.run("git", "tag").split()) == {"classifier@v1.0.0", "classifier#production#1"}
    assert project.run("git", "status", "--porcelain") == ""


def test_as_json_promotion_says_the_version_and_what_the_gate_objected_to(project, monkeypatch):
    project.round(right(project))
    monkeypatch.chdir(project.root)
    shown = json.loads(CliRunner().invoke(app, ["promote", "--no-commit", "--json"]).stdout)
    assert set(shown) == {"version", "action", "md5", "objections", "notes"}
    assert (shown["version"], shown["objections"]) == ("v1.0.0", [])


def test_the_card_says_who_what_and_how_good(project):
    project.round(right(project))
    promote(Project(project.root), Choice())
    card = (project.root / "models/production.md").read_text()
    for part in ("Ada", "cat, dog", "| test | 4 | 0.500", "## Limits", "cat: finds 50%", "## Intended use"):
        assert part in card
    assert "dog: finds" not in card


def test_a_throwaway_model_is_refused_even_by_force(project):
    project.round(right(project), throwaway=True)
    with pytest.raises(PromotionRefusedError, match="throw-away"):
        promote(Project(project.root), Choice(force=True, reason="please"))


def test_a_worse_benchmark_is_refused_and_nothing_changes(project):
    labels = ["cat"] * 50 + ["dog"] * 50
    project.round(project.predictions(labels, ["cat"] * 52 + ["dog"] * 48, labels))
    with pytest.raises(PromotionRefusedError, match=r"`frozen`: 2 of 100 images got worse and 0 better"):
        promote(Project(project.root), Choice())
    assert project.run("git", "status", "--porcelain", "-uall") == "?? models/refused.jsonl\n", (
        "only the log of attempts"
    )
    assert not (project.root / "models/production.safetensors").exists()


def test_force_needs_a_reason_and_the_reason_is_kept(project):
    labels = ["cat"] * 5 + ["dog"] * 5
    project.round(project.predictions(labels, ["cat"] * 6 + ["dog"] * 4, labels))
    with pytest.raises(PromotionRefusedError, match="reason"):
        promote(Project(project.root), Choice(force=True, reason=" "))
    promote(Project(project.root), Choice(force=True, reason="new camera"))
    assert read_log(Project(project.root))[-1].reason == "new camera"
    assert "Promoted by force" in (project.root / "models/production.md").read_text()


def test_a_class_that_loses_too_much_is_refused_though_the_benchmark_gets_better(project):
    labels = ["cat"] * 40 + ["dog"] * 40
    base = ["cat"] * 40 + ["cat"] * 24 + ["dog"] * 16
    new = ["dog"] * 8 + ["cat"] * 32 + ["dog"] * 40
    project.round(project.predictions(labels, new, base))
    with pytest.raises(PromotionRefusedError, match=r"class `cat`: recall 1.00 -> 0.80 on 40 images"):
        promote(Project(project.root), Choice())


def test_too_few_images_are_told_and_accepted_only_when_asked(project):
    labels = ["cat"] * 10 + ["dog"] * 10
    project.round(project.predictions(labels, labels, labels))
    with pytest.raises(PromotionRefusedError, match=r"can't tell; [\d,]+ more .*\n.*--accept-unknown"):
        promote(Project(project.root), Choice())
    promote(Project(project.root), Choice(accept_unknown=True))
    assert "Promoted with --accept-unknown" in (project.root / "models/production.md").read_text()


def test_what_the_gate_refused_is_logged_once_and_the_next_promotion_commits_it(project):
    labels = ["cat"] * 50 + ["dog"] * 50
    project.round(project.predictions(labels, ["cat"] * 60 + ["dog"] * 40, labels))
    for _ in range(2):
        with pytest.raises(PromotionRefusedError):
            promote(Project(project.root), Choice())
    (line,) = refusals.read(Project(project.root))
    assert "10 of 100 images got worse" in line["why"][0]
    assert project.run("git", "log", "-1", "--format=%s").strip() == "round", "a command that fails makes no commit"
    done = promote(Project(project.root), Choice(force=True, reason="dogs are rare"))
    assert not done.entry.git_revision.endswith("changes")
    assert project.run("git", "ls-files", "models/refused.jsonl").strip() == "models/refused.jsonl"
    assert project.run("git", "status", "--porcelain").strip() == ""


def test_a_candidate_that_was_not_evaluated_is_refused(project):
    project.round(right(project))
    project.model("candidate", weight=9.0)
    with pytest.raises(ProjectError, match="dvc repro"):
        promote(Project(project.root), Choice())


def test_promoting_twice_is_refused(project):
    project.round(right(project))
    promote(Project(project.root), Choice())
    with pytest.raises(PromotionRefusedError, match="production already"):
        promote(Project(project.root), Choice())


def test_with_other_changes_in_the_tree_nothing_is_committed(project):
    project.round(right(project))
    (project.root / "dvc.yaml").write_text((project.root / "dvc.yaml").read_text() + "\n")
    done = promote(Project(project.root), Choice())
    assert project.run("git", "tag") == ""
    assert "dvc.yaml" in done.notes[0]
    assert "git commit" in done.notes[0]


def test_production_is_asked_with_the_calibration_it_was_promoted_with(project, monkeypatch):
    monkeypatch.chdir(project.root)
    project.round(right(project))
    promote(Project(project.root), Choice())
    project.round(right(project, "cat"), weight=1.0, classes=("bear", "cat", "dog"))
    asked = resolve(Project(project.root), "production")
    assert (asked.calibrated, asked.calibration.classes) == (True, ("cat", "dog"))
    assert resolve(Project(project.root), "candidate").calibration.classes == ("bear", "cat", "dog")
    promote(Project(project.root), Choice())
    assert resolve(Project(project.root), "production").calibration.classes == ("bear", "cat", "dog")
    rollback(Project(project.root), None, Choice())
    asked = resolve(Project(project.root), "production")
    assert (asked.calibrated, asked.calibration.model) == (True, asked.digest)
    assert asked.classes == asked.calibration.classes == ("cat", "dog")


def test_a_calibration_of_another_run_is_not_promoted(project):
    project.round(right(project))
    (project.root / "data/calibration.json").unlink()
    with pytest.raises(ProjectError, match=r"calibration\.json is not what the last run wrote"):
        promote(Project(project.root), Choice())


def test_rollback_brings_back_the_bytes_and_the_stage_tag(project):
    project.round(right(project))
    first = (project.root / "models/candidate.safetensors").read_bytes()
    promote(Project(project.root), Choice())
    project.round(right(project, "cat"), weight=1.0, classes=("bear", "cat", "dog"))
    assert promote(Project(project.root), Choice()).entry.version == "v1.1.0"
    done = rollback(Project(project.root), None, Choice(reason="too many bears"))
    assert done.entry.version == "v1.0.0"
    assert (project.root / "models/production.safetensors").read_bytes() == first
    assert project.run("git", "tag", "--list", "classifier#production#*").split()[-1] == "classifier#production#3"
    assert project.run("git", "status", "--porcelain") == ""
    with pytest.raises(VersionError, match="first version"):
        rollback(Project(project.root), None, Choice())


def test_nothing_to_roll_back(project):
    with pytest.raises(VersionError, match="nothing was promoted"):
        rollback(Project(project.root), None, Choice())
