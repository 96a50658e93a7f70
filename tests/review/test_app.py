"""The App in a real browser: FiftyOne's server as `curate review open` starts it, and Debian's chromium."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from curation.decisions.log import read_reviews

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium: apt-get install chromium"),
]
REPOSITORY = Path(__file__).parents[2]
CURATE = Path(sys.executable).with_name("curate")
OPEN = "document.querySelector('#curation-review').dataset.sample"
IMAGES = 24  # of which 18 wait in the queue


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory, digits_project):
    return digits_project(tmp_path_factory.mktemp("browser") / "project", IMAGES)


@pytest.fixture(scope="module")
def curate(reviewed, fiftyone_env):
    """Run `curate review ...` in the project; what it printed."""
    env = {
        **fiftyone_env,
        "FIFTYONE_DATABASE_NAME": "curation_browser",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
    }

    def run(*words):
        done = subprocess.run(
            [CURATE, "review", *words],
            cwd=reviewed.root,
            env=env,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.env = env
    return run


@pytest.fixture(scope="module")
def address(curate, reviewed, serve_review):
    """The App's address while `curate review open` serves it."""
    with serve_review(reviewed.root, curate.env, "--reviewer", "Ana") as address:
        yield address


@pytest.fixture
def page(address, browse):
    """The App on the view `to review`, its images drawn."""
    return browse(address)


def wait_for_bar(page, text):
    page.wait_for_function("text => document.querySelector('#curation-review').innerText.includes(text)", arg=text)


LAGS = """() => {
    window.frames_seen = [];
    const look = () => {
        const bar = document.querySelector('#curation-review'), open = new URLSearchParams(location.search).get('id');
        window.frames_seen.push([open, bar.dataset.sample, bar.firstChild.textContent]);
        window.requestAnimationFrame(look);
    };
    window.requestAnimationFrame(look);
}"""


def test_the_bar_never_shows_the_facts_of_another_image(page):
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-cy="modal"]')
    wait_for_bar(page, "labelled ")
    page.evaluate(LAGS)
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(150)
    page.wait_for_function(f"{OPEN} && {OPEN} === new URLSearchParams(location.search).get('id')")
    frames = page.evaluate("window.frames_seen")
    assert len({opened for opened, _, _ in frames}) >= 3  # a busy machine draws few of the six
    assert [frame for frame in frames if frame[1] and frame[1] != frame[0]] == []
    assert {text for _, sample, text in frames if not sample} <= {"…", ""}
    page.keyboard.press("Escape")


def test_images_and_saved_views_show_and_a_tag_made_in_the_page_is_pulled(page, curate, reviewed):
    drawn = page.locator('[data-cy="looker"] canvas, [data-cy="looker"] img').count()
    assert drawn >= 18
    page.locator('[data-cy="saved-views-selection"]').click()
    page.get_by_text("cluster 01", exact=True).click()
    page.wait_for_url("**view=cluster-01**")
    members = reviewed.errors[reviewed.errors["cluster"] == 1].sort_values("rank")["image_id"].tolist()
    page.wait_for_function("n => document.querySelectorAll('[data-cy=\"looker\"]').length === n", arg=len(members))
    page.locator('[data-cy="looker"]').last.click()
    page.locator('[data-cy="modal"] [data-cy="action-tag-sample-labels"]').click()
    page.locator('[data-cy="tagger-switch-sample"]').click()
    box = page.locator('[data-cy="tagger-container"] input')
    box.fill("relabel:digit 3")
    box.press("Enter")
    page.get_by_text("Apply", exact=True).click()
    tagged = "() => /^tags\\s+1$/m.test(document.querySelector('[data-cy=modal]').innerText)"
    page.wait_for_function(tagged)
    pulled = json.loads(curate("pull", "--reviewer", "Ben", "--json"))
    assert [(row["image_id"], row["decision"], row["label"], row["reviewer"]) for row in pulled] == [
        (members[-1], "relabel", "digit 3", "Ben")
    ]
    assert json.loads(curate("pull", "--json")) == []
    assert len(read_reviews(reviewed.root / "data" / "reviews.csv")) == 1


def test_the_queue_is_cleared_with_the_keyboard_alone(page, curate, reviewed):
    def log():
        return read_reviews(reviewed.root / "data" / "reviews.csv").iloc[1:]

    page.keyboard.press("Enter")
    page.wait_for_selector('[data-cy="modal"]')
    wait_for_bar(page, "suggested: ")
    for _ in range(4):  # begin in the middle: at the end it goes on with what was left out
        shown = page.evaluate(OPEN)
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"old => {OPEN} && {OPEN} !== old", arg=shown)
    for key in "akdu123m":
        page.keyboard.press(key)
    page.keyboard.press("l")
    page.keyboard.type("Digit 7")
    page.keyboard.press("Enter")
    page.keyboard.press("b")
    page.keyboard.type("night")
    page.keyboard.press("Enter")
    wait_for_bar(page, "11 of 18 decided")
    for _ in range(7):
        page.keyboard.press("k")
    wait_for_bar(page, "the queue is cleared")
    queue = reviewed.errors.sort_values("rank").iloc[[*range(4, 17), *range(4)]]
    wanted = ["relabel", "keep", "remove", "unknown", "turn:90", "turn:180", "turn:270", "small", "relabel"]
    assert log()["image_id"].tolist() == queue["image_id"].tolist()
    assert log()["decision"].tolist() == [*wanted, "benchmark:night", *["keep"] * 7]
    shown = queue["label"].tolist()  # `keep` records the label that it confirms
    assert log()["label"].tolist() == [queue["suggested"].iloc[0], shown[1], *[""] * 6, "digit 7", "", *shown[10:]]
    assert set(log()["reviewer"]) == {"Ana"}
    left = {row["kind"]: row["left"] for row in json.loads(curate("status", "--json"))}
    assert set(left.values()) == {0}
