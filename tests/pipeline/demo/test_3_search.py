"""Searching, learning curves and cross-validation on a real project, which they leave as it was."""

import signal
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.pipeline
QUICK = {"startup: 4": "startup: 1", "warmup: 3 ": "warmup: 0 ", "epochs: 8": "epochs: 2"}
SPACE = ("lr: {low: 0.0001, high: 0.01, log: true}", "lr: [0.002, 0.0000001]")
DECAY = ("train.weight_decay: [0.01, 0.05, 0.1]", "train.weight_decay: [0.05]")
SEARCH = ("curate", "tune", "--trials", "2", "--sampler", "grid")


@pytest.fixture(scope="module")
def searched(finished, copy_of):
    """A copy with a search of two points that was killed in its second trial, and what it said when run again."""
    demo = copy_of(finished)
    for old, new in [*QUICK.items(), SPACE, DECAY]:
        demo.replace("params.yaml", old, new)
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(SEARCH, cwd=demo.root, env=demo.env, **pipes) as process:
        assert "tune-0: lr=0.002" in process.stderr.readline()
        process.send_signal(signal.SIGKILL)
    told = demo.json(*SEARCH, "--json")
    told["changed"] = demo.run("git", "status", "--short").split()
    return demo, told


def test_a_search_that_was_killed_goes_on_and_gives_bad_trials_up(searched):
    demo, told = searched
    assert (told["finished"], told["pruned"]) == (1, 1)
    assert told["params"]["lr"] == 0.002
    assert told["value"] > 0.3
    shown = demo.run("dvc", "exp", "show", "--csv", "--no-pager")
    assert "tune-0" in shown
    assert "tune-1" not in shown
    assert told["changed"] == ["M", "params.yaml"]


def test_no_training_outlives_its_search(searched):
    demo, _ = searched
    assert not list((demo.root / ".dvc/tmp/exps/standalone").glob("tmp*"))
    assert not [process for process in Path("/proc").glob("[0-9]*") if watched(process, demo.root)]


def test_one_line_applies_the_best_trial(searched):
    demo, told = searched
    assert told["apply"] == "dvc exp apply tune-0"
    demo.run(*told["apply"].split())
    assert "lr: 0.002" in (demo.root / "params.yaml").read_text()
    demo.run("dvc", "status", "-q", "evaluate")


def test_a_learning_curve_says_what_more_images_bring(demo):
    before = demo.run("git", "status", "--short")
    rows = demo.json("curate", "learning-curve", "--points", "3", "--epochs", "1", "--class", "eight", "--json")
    everything = [row for row in rows if row["class"] == "all classes"]
    assert [row["basis"] for row in everything] == ["measured"] * 3 + ["1.5 times", "2 times", "4 times"]
    assert everything[0]["images"] < everything[2]["images"] < everything[3]["images"]
    assert {row["class"] for row in rows} == {"all classes", "eight"}
    assert {path.name for path in (demo.root / "reports/learning_curve").iterdir()} == {
        "points.csv",
        "fitted.csv",
        "curve.svg",
    }
    assert "not a class" in demo.run("curate", "learning-curve", "--class", "zebra", code=1)
    assert demo.run("git", "status", "--short") == before


def test_cross_validation_judges_every_train_image_once(demo):
    before = demo.run("git", "status", "--short")
    rows = demo.json("curate", "cross-validate", "--epochs", "1", "--json")
    train = demo.table("splits").query("split == 'train' and fold >= 0")
    assert [row["fold"] for row in rows] == ["0", "1", "2", "3", "4", "mean", "standard deviation"]
    assert sum(row["images"] for row in rows[:5]) == len(train)
    assert 0 < rows[5]["accuracy"] <= 1
    assert demo.run("git", "status", "--short") == before


def watched(process: Path, root: Path) -> bool:
    """Whether a process belongs to a trial of this project."""
    try:
        return f"CURATION_WATCH={root}".encode() in (process / "environ").read_bytes()
    except OSError:
        return False
