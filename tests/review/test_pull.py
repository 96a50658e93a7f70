from pathlib import Path

import pytest

from curation.decisions.log import append_reviews, read_reviews
from curation.decisions.order import REVIEW_COLUMNS
from curation.project import Project
from curation.review.decision_tags import Decision
from curation.review.pull import decisions, pull, to_rows

pytestmark = pytest.mark.filterwarnings("ignore")
CLASSES = {"cat", "dog", "fox"}


def tagged(dataset, **tags):
    """Tag samples by the number of their image_id."""
    dataset.set_values("tags", {f"{int(key[1:]):032x}": value for key, value in tags.items()}, key_field="image_id")


def project_of(dataset):
    return Project(Path(dataset.info["curation_root"]))


def reviews_of(dataset):
    return project_of(dataset).reviews


def test_each_tag_becomes_one_row(small):
    tagged(
        small, _0=["relabel:dog"], _1=["keep", "turn:90", "mine"], _2=["remove"], _3=["unknown"], _4=["benchmark:night"]
    )
    done = pull(small, project_of(small), "Ana", CLASSES)
    log = read_reviews(reviews_of(small))
    assert [*zip(log["image_id"].str[-1], log["decision"], log["label"], strict=True)] == [
        ("0", "relabel", "dog"),
        ("1", "keep", "cat"),
        ("1", "turn:90", ""),
        ("2", "remove", ""),
        ("3", "unknown", ""),
        ("4", "benchmark:night", ""),
    ]
    assert set(log["reviewer"]) == {"Ana"}
    assert set(log["model"]) == {"model-1"}
    assert log["decided_at"].str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00").all()
    assert not done.held_back


def test_pulling_twice_adds_nothing_and_other_tags_stay(small):
    tagged(small, _0=["relabel:dog", "mine"])
    assert len(pull(small, project_of(small), "Ana", CLASSES).rows) == 1
    before = reviews_of(small).read_bytes()
    assert pull(small, project_of(small), "Ana", CLASSES).rows == []
    assert reviews_of(small).read_bytes() == before
    assert small.count_sample_tags() == {"mine": 1}
    assert small.match({"image_id": f"{0:032x}"}).first().decision == "relabel:dog"


def test_a_tag_on_a_label_counts_as_one_on_the_image(small):
    small.set_values("ground_truth.tags", {f"{0:032x}": ["relabel:dog", "mine"]}, key_field="image_id")
    small.set_values("prediction.tags", {f"{0:032x}": ["relabel:dog"]}, key_field="image_id")
    assert [row["label"] for row in pull(small, project_of(small), "Ana", CLASSES).rows] == ["dog"]
    assert small.count_label_tags() == {"mine": 1}
    assert pull(small, project_of(small), "Ana", CLASSES).rows == []


def test_a_pull_that_was_killed_before_the_tag_went_adds_no_second_row(small):
    tagged(small, _0=["remove"])
    append_reviews(reviews_of(small), [{"image_id": f"{0:032x}", "decision": "remove", "reviewer": "Ana"}])
    assert pull(small, project_of(small), "Ana", CLASSES).rows == []
    assert len(read_reviews(reviews_of(small))) == 1
    assert small.count_sample_tags() == {}


def test_a_changed_mind_is_a_new_row(small):
    for tag in ("remove", "keep", "remove"):
        tagged(small, _0=[tag])
        assert len(pull(small, project_of(small), "Ana", CLASSES).rows) == 1
    assert read_reviews(reviews_of(small))["decision"].tolist() == ["remove", "keep", "remove"]


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        (["keep", "remove"], "contradict"),
        (["relabel:cat", "relabel:dog"], "contradict"),
        (["turn:45"], "is not a decision"),
        (["relabel:caat"], "is not a class"),
    ],
)
def test_what_can_not_be_taken_is_held_back_with_the_reason(tags, reason):
    taken, held = decisions({"a": tags, "b": ["keep"]}, CLASSES, new_classes=False)
    assert taken == {"b": [Decision("keep")]}
    assert reason in held["a"]


def test_a_new_class_is_taken_when_asked_for():
    taken, held = decisions({"a": ["relabel:owl"]}, CLASSES, new_classes=True)
    assert taken == {"a": [Decision("relabel", "owl")]}
    assert not held


def test_the_last_row_of_each_question_counts():
    import pandas as pd

    log = pd.DataFrame({"image_id": ["a", "a"], "decision": ["keep", "turn:90"]}).reindex(
        columns=REVIEW_COLUMNS, fill_value=""
    )
    rows = to_rows({"a": [Decision("keep"), Decision("turn:180")]}, log, {})
    assert [row["decision"] for row in rows] == ["turn:180"]
