"""Blind review: the App holds nothing of the model's answer for held-out images, and their decisions are audited."""

import numpy as np
import pandas as pd
import pytest

from curation.decisions.audited import audited
from curation.decisions.log import append_reviews, read_reviews
from curation.evaluation.queue.blind_review import BLIND, KEPT, with_blind
from curation.params.blocks import Review
from curation.project import Project
from curation.review import project_queue as work
from curation.review.decision_tags import Decision
from curation.review.interface import decide

pytestmark = pytest.mark.filterwarnings("ignore")
SHOWN = {*KEPT, "filepath", "id", "image_id", "ground_truth", "waiting", "pair_waiting", "metadata", "tags"}


@pytest.fixture
def blind_project(project):
    (project.root / "params.yaml").write_text("review:\n  dataset: blind\n  blind: 0.5\n")
    return project


def test_held_out_errors_are_mixed_with_as_many_agreements_and_tell_nothing(blind_project):
    project = Project(blind_project.root)
    frame = work.read_queue(project, Review(blind=0.5))
    errors = blind_project.errors
    held = errors[(errors["split"] == "test") & errors["kind"].isin(["error", "doubt", "label error"])]
    rows = frame[frame["kind"] == BLIND]
    agreements = rows[~rows["image_id"].isin(errors["image_id"])]
    assert set(held["image_id"]) <= set(rows["image_id"])
    right = blind_project.predictions.set_index("image_id")
    there = right[(right["split"] == "test") & (right["label"] == right["predicted"])]
    assert len(agreements) == min(len(held), len(set(there.index) - set(errors["image_id"])))
    assert (right.loc[agreements["image_id"], "label"] == right.loc[agreements["image_id"], "predicted"]).all()
    for name in set(frame.columns) - set(KEPT):
        values = rows[name].tolist()
        assert len({repr(value) for value in values}) == 1, f"{name} tells blind rows apart: {values}"
    assert frame["image_id"].is_unique
    assert frame.loc[frame["kind"] != BLIND, "predicted"].notna().all()
    assert rows["rank"].min() > frame.loc[(frame["kind"] != BLIND) & (frame["role"] == "queue"), "rank"].max()


def test_the_order_tells_nothing_and_another_model_brings_other_agreements():
    count = 400
    ids = [f"{number:032x}" for number in range(count)]
    wrong = np.arange(count) < 60
    predictions = pd.DataFrame({"image_id": ids, "split": "val", "label": "a"})
    predictions["predicted"] = np.where(wrong, "b", "a")
    errors = predictions[wrong].assign(kind="error", rank=range(60), nearest_correct=None, cluster=0)
    mixed = with_blind(errors, predictions, 0.5, 2000, "one").sort_values("rank")
    assert len(mixed) == 120
    places = np.flatnonzero(mixed["predicted"] == "b")
    assert 40 < places.mean() < 80
    again = with_blind(
        errors.sample(frac=1, random_state=0), predictions.sample(frac=1, random_state=1), 0.5, 2000, "one"
    )
    assert again.sort_values("rank")["image_id"].tolist() == mixed["image_id"].tolist()
    other = with_blind(errors, predictions, 0.5, 2000, "two")
    assert set(other["image_id"]) != set(mixed["image_id"])
    assert len(with_blind(errors, predictions, 0.2, 2000, "one")) == 75
    assert len(with_blind(errors, predictions, 0.5, 10, "one")) == 60 + 10
    assert with_blind(errors, predictions, 0, 2000, "one") is errors


def test_only_the_last_decision_on_the_label_makes_it_an_audited_one(tmp_path):
    one, two, three = (f"{number:032x}" for number in range(3))
    log = tmp_path / "reviews.csv"
    rows = [
        {"image_id": one, "decision": "keep", "label": "cat", "note": "blind"},
        {"image_id": one, "decision": "turn:90"},
        {"image_id": two, "decision": "keep", "label": "cat", "note": "blind"},
        {"image_id": two, "decision": "relabel", "label": "dog"},
        {"image_id": three, "decision": "unknown", "note": "blind"},
    ]
    for row in rows:
        append_reviews(log, [row])
    assert audited(read_reviews(log)) == {one}


def test_the_app_gets_nothing_of_the_answer_and_decisions_are_marked(fo, blind_project):
    project = Project(blind_project.root)
    pushed, frame = work.push_project(project, project.params())
    dataset = fo.load_dataset(pushed.dataset)
    try:
        blind = dataset.load_saved_view("blind")
        assert set(blind.values("image_id")) == set(frame.loc[frame["kind"] == BLIND, "image_id"])
        assert not set(dataset.load_saved_view("to review").values("kind")) & {BLIND}
        for name in set(dataset.get_field_schema()) - SHOWN:
            values = [value.label if hasattr(value, "label") else value for value in blind.values(name)]
            if name not in {"created_at", "last_modified_at"}:
                assert len({repr(value) for value in values}) == 1, name
        assert blind.values("prediction.label") == blind.values("suggestion.label") == [None] * len(blind)
        first, second = blind.values("id")[:2]
        decide.decide(dataset, [first], Decision("keep"), "ann")
        dataset.select([second]).tag_samples("keep")
        shown = dataset.match({"kind": "error"}).first()
        decide.decide(dataset, [shown.id], Decision("keep"), "ann")
        work.pull_project(project, "ben", False)
        named = dict(zip(*dataset.values(["id", "image_id"]), strict=True))
        assert audited(read_reviews(project.reviews)) == {named[first], named[second]}
        with pytest.raises(decide.DecisionError, match="no suggestion"):
            decide.accept(dataset, [blind.values("id")[2]])
    finally:
        fo.delete_dataset(pushed.dataset)


def test_the_panel_and_the_receipt_speak_of_blind_images(fo, blind_project):
    from curation.review.interface.panel import facts_in_words

    words = facts_in_words({"label": "cat", "predicted": None, "confidence": None, "kind": BLIND}, 0)
    assert "reviewed blind" in words
    assert "None" not in words
    project = Project(blind_project.root)
    found = work.receipt(project.params(), work.read_queue(project, project.params().review))
    assert found["kinds"][BLIND] > 0
