"""The round trip in a real browser: walk a saved view in the App, decide with its operators, run the pipeline again."""

import json
import shutil

import pytest

from curation.decisions.log import append_reviews, read_reviews
from curation.tables.codes import MEASURED_SPLITS

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.browser,
    pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium: apt-get install chromium"),
]
VIEW = "probable label errors"
LEAST = 5


@pytest.fixture(scope="module")
def before(finished, copy_of):
    """The tables, the metrics and the model that the reviewer starts from."""
    demo = copy_of(finished)
    errors = demo.table("errors").sort_values("rank")
    open_errors = errors[(errors.kind == "label error") & ~errors.split.isin(MEASURED_SPLITS)]  # others: reviewed blind
    assert len(open_errors) >= LEAST, "the planted wrong labels are not in the queue"
    return {
        "selection": demo.table("selection").set_index("image_id"),
        "metrics": json.loads((demo.root / "reports" / "metrics.json").read_text()),
        "model": (demo.root / "models" / "candidate.safetensors").read_bytes(),
        "wrong": open_errors,
    }


def test_a_saved_view_is_walked_and_its_operators_write_the_log(demo, before, serve_review, browse):
    wrong, number = before["wrong"], len(before["wrong"])
    with serve_review(demo.root, demo.env, "--reviewer", "Ana") as address:
        page = browse(address)
        page.locator('[data-cy="saved-views-selection"]').click()
        page.get_by_text(VIEW, exact=True).click()
        page.wait_for_url("**view=probable-label-errors**")
        page.wait_for_function("n => document.querySelectorAll('[data-cy=\"looker\"]').length === n", arg=number)
        page.keyboard.press("Enter")
        page.wait_for_selector('[data-cy="modal"]')
        for key in "a" * (number - 2) + "dk":
            page.keyboard.press(key)
        told = rf"\b{number} of \d+ decided"  # of all that wait, with the agreements that blind review mixes in
        page.wait_for_function(
            "text => RegExp(text).test(document.querySelector('#curation-review').innerText)", arg=told
        )
    log = read_reviews(demo.root / "data" / "reviews.csv")
    assert log.image_id.tolist() == wrong.image_id.tolist()
    assert log.decision.tolist() == words(number)
    assert log.label.tolist()[:-2] == wrong.suggested.tolist()[:-2]
    assert set(log.reviewer) == {"Ana"}


@pytest.fixture(scope="module")
def reviewed(finished, copy_of, before):
    """A copy with the decisions that the reviewer makes above, after the next run."""
    demo = copy_of(finished)
    asked = before["wrong"][["image_id", "suggested"]]
    rows = [
        {"image_id": one.image_id, "decision": word, "label": one.suggested if word == "relabel" else ""}
        for one, word in zip(asked.itertuples(), words(len(asked)), strict=True)
    ]
    stamp = {"reviewer": "Ana", "decided_at": "2026-11-01T10:00:00Z"}
    append_reviews(demo.root / "data" / "reviews.csv", [row | stamp for row in rows])
    demo.run("dvc", "repro")
    return demo


def words(number):
    """What the reviewer decides on the images of the view, in its order."""
    return ["relabel"] * (number - 2) + ["remove", "keep"]


def test_the_next_run_changes_the_labels_trains_again_and_moves_the_metrics(reviewed, before):
    demo = reviewed
    log = read_reviews(demo.root / "data" / "reviews.csv")
    selection = demo.table("selection").set_index("image_id")
    relabelled = log[log.decision == "relabel"].set_index("image_id").label
    assert (selection.label[relabelled.index] == relabelled).all()
    assert (before["selection"].label[relabelled.index] != relabelled).all()
    removed = selection.loc[log.image_id[log.decision == "remove"].item()]
    assert (removed.state, "removed by review" in removed.reason) == ("dropped", True), removed.reason
    assert (demo.root / "models" / "candidate.safetensors").read_bytes() != before["model"]
    assert json.loads((demo.root / "reports" / "metrics.json").read_text()) != before["metrics"]
    assert demo.json("dvc", "metrics", "diff", "--json")


def test_status_tells_what_is_left_and_nothing_decided_is_asked_again(reviewed):
    demo = reviewed
    decided = set(read_reviews(demo.root / "data" / "reviews.csv").image_id)
    errors = demo.table("errors")
    status = {row["kind"]: row for row in demo.json("curate", "review", "status", "--json")}
    asked = errors[(errors.kind == "label error") & ~errors.split.isin(MEASURED_SPLITS)]
    assert status["label error"]["left"] == len(set(asked.image_id) - decided)
    assert status["all"]["left"] > len(set(errors.image_id) - decided)  # blind review mixes agreements in
