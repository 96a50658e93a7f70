"""Pairs in a real browser: the partner's picture beside the open image, and the keys that decide on the two."""

import shutil
from pathlib import Path

import pytest
from factories.review_project import make_project, with_pairs

from curation.decisions.fold import pairs
from curation.decisions.log import read_reviews

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium: apt-get install chromium"),
]
REPOSITORY = Path(__file__).parents[2]
LOADED = "document.querySelector('#curation-partner img').naturalWidth > 0"
SETTLE = """() => new Promise((resolve) => window.__foo__.executeOperator(
    '@curation/review/settle_marked', {choice: 'copy'}, {callback: (answer) => resolve(answer.result)}))"""


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    return with_pairs(make_project(tmp_path_factory.mktemp("pairs") / "project", 20))


@pytest.fixture(scope="module")
def address(paired, fiftyone_env, serve_review):
    """The App's address while `curate review open` serves it."""
    own = {"FIFTYONE_DATABASE_NAME": "curation_pairs", "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    with serve_review(paired.root, {**fiftyone_env, **own}, "--reviewer", "Ana") as address:
        yield address


def wait_for_bar(page, text):
    page.wait_for_function("text => document.querySelector('#curation-review').innerText.includes(text)", arg=text)


def test_two_conflicts_are_settled_side_by_side_and_all_marked_copies_at_once(address, browse, paired):
    page = browse(address)
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-cy="modal"]')
    page.wait_for_selector("#curation-partner:visible")
    page.wait_for_function(LOADED)
    assert page.locator("#curation-partner").inner_text() == "the right image: labelled digit 1"
    assert "this is the left image of two" in page.locator("#curation-review").inner_text()
    page.keyboard.press(",")
    wait_for_bar(page, "2 of 15 decided")
    page.wait_for_function("document.querySelector('#curation-partner').innerText.includes('digit 3')")
    page.keyboard.press("t")
    wait_for_bar(page, "4 of 15 decided")
    page.keyboard.press("Escape")
    log = read_reviews(paired.root / "data" / "reviews.csv")
    ids = paired.errors.sort_values("rank")["image_id"].tolist()
    assert sorted(log["decision"].tolist()) == ["keep", f"not_copy:{ids[3]}", "relabel"]
    assert set(log["reviewer"]) == {"Ana"}
    assert page.evaluate(SETTLE)["done"] == 2
    said = pairs(read_reviews(paired.root / "data" / "reviews.csv"))
    assert said["copy"].tolist().count(True) == 2
