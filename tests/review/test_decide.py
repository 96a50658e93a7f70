import subprocess
import sys
from pathlib import Path

import pytest

from curation.decisions.fold import fold
from curation.decisions.log import read_reviews
from curation.review import saved_views
from curation.review.decision_tags import Decision
from curation.review.interface import decide

pytestmark = pytest.mark.filterwarnings("ignore")
OTHER_REVIEWER = """
import sys, warnings
warnings.simplefilter("ignore")
from curation.review import database
from curation.review.interface import decide
from curation.review.decision_tags import Decision
dataset = database.connect().load_dataset(sys.argv[1])
ids = dataset.values("id")
print("ready", flush=True)
for number in range(30):
    decide.decide(dataset, [ids[number % 6]], Decision("relabel", f"class {number}"), "Ben")
"""


def log(dataset):
    return read_reviews(Path(dataset.info["curation_root"]) / "data" / "reviews.csv")


def test_a_decision_is_on_disk_at_once_and_the_sample_shows_it(small):
    ids = small.values("id")
    assert decide.decide(small, ids[:2], Decision("relabel", "owl"), "Ana") == 2
    rows = log(small)
    assert rows["image_id"].tolist() == [f"{0:032x}", f"{1:032x}"]
    assert (rows["decision"] + ":" + rows["label"]).tolist() == ["relabel:owl"] * 2
    assert rows["model"].tolist() == ["model-1"] * 2
    assert small.values("decision") == ["relabel:owl", "relabel:owl", "", "", "", ""]
    assert decide.left(small) == {"total": 6, "decided": 2, "left": 4}
    assert decide.classes(small) == ["cat", "dog", "fox", "owl"]


def test_views_stand_still_while_they_are_walked_until_they_are_tidied(small):
    def shown(name):
        return small.load_saved_view(name).values("id")

    ids = small.values("id")
    decide.decide(small, ids[1:3], Decision("keep"), "Ana")
    assert shown("to review") == ids
    assert saved_views.stale(small).values("id") == shown("decided") == ids[1:3]
    saved_views.tidy(small)
    assert shown("to review") == [ids[0], *ids[3:]]
    assert shown("decided") == ids[1:3]
    assert not saved_views.stale(small).count()


def test_accepting_means_what_the_suggestion_says(small):
    ids = small.values("id")
    decide.accept(small, ids[:3], "Ana")
    assert small.values("decision")[:3] == ["relabel:dog", "keep", "unknown"]
    with pytest.raises(decide.DecisionError, match="1 of 2 selected images have no suggestion"):
        decide.accept(small, ids[3:5], "Ana")
    assert len(log(small)) == 3


def test_a_tag_against_the_decision_goes_so_that_no_pull_brings_it_back(small):
    one = small.first()
    small.set_values("tags", {one.id: ["remove", "turn:90", "mine"]}, key_field="id")
    decide.decide(small, [one.id], Decision("keep"), "Ana")
    small.reload()
    assert small[one.id].tags == ["turn:90", "mine"]


def test_nothing_chosen_and_a_folder_that_is_gone_are_clear_errors(small):
    with pytest.raises(decide.DecisionError, match="no image is selected or open"):
        decide.decide(small, [], Decision("keep"))
    small.info["curation_root"] = "nowhere/at/all"
    with pytest.raises(decide.DecisionError, match=r"is gone\. Run `curate review push`"):
        decide.decide(small, small.values("id")[:1], Decision("keep"))


def test_the_reviewer_is_who_the_browser_says_else_who_serves(small, monkeypatch):
    monkeypatch.setenv("CURATION_REVIEWER", "Server")
    ids = small.values("id")
    decide.decide(small, ids[:1], Decision("keep"))
    decide.decide(small, ids[:1], Decision("keep"), "Browser")
    assert log(small)["reviewer"].tolist() == ["Server", "Browser"]


def test_two_reviewers_at_a_time_lose_nothing(small, fiftyone_env):
    ids = small.values("id")
    command = [sys.executable, "-c", OTHER_REVIEWER, small.name]
    with subprocess.Popen(command, env=fiftyone_env, stdout=subprocess.PIPE, text=True) as other:
        assert "ready" in other.stdout.readline()
        for number in range(30):
            decide.decide(small, [ids[number % 6]], Decision("relabel", f"class {number}"), "Ana")
        assert other.wait(60) == 0
    rows = log(small)
    assert len(rows) == 60
    for who in ("Ana", "Ben"):
        assert rows.loc[rows["reviewer"] == who, "label"].tolist() == [f"class {number}" for number in range(30)]


def test_keep_writes_the_label_that_the_person_saw_so_that_it_undoes_an_earlier_decision(small):
    ids = small.values("id")
    seen = small.values("ground_truth.label")
    decide.decide(small, ids[:2], Decision("relabel", "owl"), "Ana")
    decide.decide(small, ids[1:2], Decision("keep"), "Ana")
    held = fold(log(small))
    assert held[["named", "label"]].to_numpy().tolist() == [["relabel", "owl"], ["keep", seen[1]]]


def test_keep_of_a_merged_class_names_the_finer_class_that_was_decided_before(small):
    ids, seen = small.values("id"), small.values("ground_truth.label")
    small.info["curation_merges"] = [["finer", seen[0]]]
    decide.decide(small, ids[:1], Decision("relabel", "finer"), "Ana")
    decide.decide(small, ids[:2], Decision("keep"), "Ana")
    assert fold(log(small))["label"].tolist() == ["finer", seen[1]]
