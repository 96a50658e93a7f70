"""Odd names through a whole round in the demo's size: classes, sub-classes, files, sets, reviewers, notes, metadata.

The digits of the demo get odd names: each class folder is divided into odd classes, and every file name of
`factories.odd_names` is used in the classes, the pool and a benchmark set.
"""

# ruff: noqa: E501, RUF001

import csv
import hashlib
import json
import shutil
from itertools import cycle
from pathlib import Path

import pandas as pd
import pytest
from factories.odd_names import KINDS, names

from curation.decisions.log import read_reviews
from curation.tables.class_names import LITTER, canonical, label_problem, look_alike
from curation.tables.names_as_data import markdown

pytestmark = pytest.mark.pipeline

CLASSES = [
    *("猫 cat", "דג חתול", "قطة", "😀👩‍👩‍👧", "=1+1", "-rf", "--help", "@SUM(1)", "<script>alert(1)<∕script>", "[red]x[∕red]"),
    *("| a | b |", "*star*", "1e5", "null", "true", "NaN", "%s{}{0}", 'a"b\'c', "a, b;c", "con"),
    *("x" * 255, "猫" * 85, "$(id)", "__proto__", "train"),
]  # fmt: skip
UNFIT = {"x.dvc", "metadata.csv"}  # DVC's pointers and our sheets; LITTER is passed over, what is hidden too
SET = "=set «ß» | 1"
REVIEWER = '=Ada <b>"猫"</b>, 💥\\'
NOTE = "=1+1 <script>alert(1)</script> | `x` \x1b[31m \u202e"


def usable() -> list[str]:
    """The names that a picture may have in the pipeline."""
    fit = (name for name in names() if name not in UNFIT | LITTER and name.lower() not in LITTER)
    return [name for name in fit if not name.startswith(".") and name not in KINDS["no text"]]


def rename(root: Path) -> dict[str, str]:
    """Give the demo's classes, files and set their odd names; returns old path -> new path below data."""
    moved: dict[str, str] = {}
    odd, labels = usable(), iter(CLASSES)
    fresh, taken = cycle(odd), set()
    data = root / "data"
    for folder in sorted(path for path in (data / "raw").iterdir() if path.is_dir()):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        parts = _parts(folder.name, files, labels)
        for label, some in parts:
            for file in some:
                _move(file, data / "raw" / label, fresh, taken, moved, data)
        shutil.rmtree(folder) if folder.name != "unknown" else None
    for file in sorted(path for path in (data / "unlabelled").rglob("*") if path.is_file()):
        _move(file, data / "unlabelled", fresh, taken, moved, data)
    for old in sorted((data / "benchmark").iterdir()):
        old.rename(data / "benchmark" / SET)
    folders = sorted(path for path in (data / "benchmark" / SET).iterdir() if path.name != "unknown")
    for folder, label in zip(folders, CLASSES[::3], strict=False):
        folder.rename(folder.with_name(label))
    sheet = data / "raw/metadata.csv"
    rows = list(csv.DictReader(sheet.read_text(encoding="utf-8").splitlines()))
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["file_name", "origin", "subclass", "licence", "=col|<b>", "猫"])
        writer.writeheader()
        for row in rows:
            now = moved[f"raw/{row['file_name']}"].removeprefix("raw/")
            if "\\" in now:
                continue
            more = {"licence": "=1+1", "=col|<b>": "<b>x</b>", "猫": "{0}%s", "subclass": "sub|=1 <i>"}
            writer.writerow({"file_name": now, "origin": row["origin"], **more})
    return moved


def _parts(name, files, labels):
    if name == "unknown":
        return [(name, files)]
    return [(next(labels), files[at::3]) for at in range(3)] if len(files) > 100 else [(next(labels), files)]


def _move(file, folder, fresh, taken, moved, data):
    folder.mkdir(parents=True, exist_ok=True)
    name = next(fresh)
    if (folder / name).exists() or file.name == "metadata.csv":
        name = file.name
    target = folder / name
    moved[file.relative_to(data).as_posix()] = target.relative_to(data).as_posix()
    if target != file:
        file.rename(target)


@pytest.fixture(scope="module")
def odd(make_clone):
    """The messy digits under odd names, after one `dvc repro`, with the names that the files had and have."""
    project = make_clone("odd")
    for old, new in {"epochs: 20": "epochs: 2", "bootstrap: 1000": "bootstrap: 50", "  min: 40": "  min: 20"}.items():
        project.replace("params.yaml", old, new)
    project.run("curate", "sample", "digits", "--mess", "--seed", "20263")
    moved = rename(project.root)
    assert len({Path(name).name for name in moved.values()} & set(names())) >= 200
    project.run("git", "config", "user.name", REVIEWER)
    project.run("dvc", "add", "-q", "data/raw", "data/unlabelled", "data/benchmark")
    project.run("dvc", "repro")
    project.commit("Round one")
    return project


def test_every_file_has_a_row_with_its_name_and_every_class_is_in_the_model(odd):
    images = odd.table("images")
    there = {
        path.relative_to(odd.root).as_posix()
        for top in ("raw", "unlabelled", "benchmark")
        for path in files(odd.root / "data" / top)
    }
    told = set(images.path) | {one for some in images.copy_paths for one in some}
    assert told == there
    labels = {canonical(path.name) for path in (odd.root / "data/raw").iterdir() if path.is_dir()}
    assert labels - {"unknown"} <= set(CLASSES)
    assert len({look_alike(name) for name in CLASSES}) == len(CLASSES)
    assert not [name for name in CLASSES if label_problem(name)]
    splits = odd.table("splits")
    assert set(splits.label) == set(odd.table("predictions").label)
    assert len(set(splits.label)) >= 18
    assert set(odd.table("predictions").predicted) <= set(splits.label)


def test_names_go_through_lists_tools_and_the_log_and_come_back(odd):
    odd.run("curate", "next", "-n", "30", "--csv", "picks.csv", "--html", 'a<b>"猫".html')
    for label in ("../../x", ".", "x" * 300, "Unknown"):
        odd.run("curate", "label", "accept", "picks.csv", "--rest-as", label, "--new-class", code=1)
    tasks = odd.run("curate", "label", "export", "picks.csv", "tasks.json") and json.loads(
        (odd.root / "tasks.json").read_text()
    )
    odd.run("curate", "label", "export", "picks.csv", "tags.xml", "--to", "cvat")
    labels = dict(zip((task["data"]["image_id"] for task in tasks), cycle(CLASSES), strict=False))
    for task in tasks:
        chosen = {
            "type": "choices",
            "from_name": "label",
            "to_name": "image",
            "value": {"choices": [labels[task["data"]["image_id"]]]},
        }
        task["annotations"] = [{"completed_by": {"email": REVIEWER}, "result": [chosen]}]
    (odd.root / "done.json").write_text(json.dumps(tasks))
    odd.run("curate", "label", "import", "done.json", "--reviewer", REVIEWER, "--new-class")
    odd.run("curate", "label", "accept", "picks.csv", "--reviewer", REVIEWER)
    log = read_reviews(odd.root / "data/reviews.csv")
    relabelled = log[log.decision == "relabel"]
    assert dict(zip(relabelled.image_id, relabelled.label, strict=True)) == labels
    assert set(log.reviewer) == {REVIEWER}
    moved = [path for path in files(odd.root / "data/raw") if hashlib.md5(path.read_bytes()).hexdigest() in labels]
    assert len(moved) >= len(labels)
    picks = pd.read_csv(odd.root / "picks.csv", dtype=str, keep_default_na=False)
    assert not [cell for cell in picks.to_numpy().ravel() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    odd.run("curate", "unknowns", "--min-conf", "0", "--limit", "40", "--copy-to", "out %s {} 猫")
    assert len(files(odd.root / "out %s {} 猫")) == 40
    odd.run("curate", "purge", "--max-conf", "1", "--min-ood-score", "0", "--limit", "30", "--yes")
    odd.run("curate", "purge", "--undo")


def test_promotion_and_its_card_show_names_and_words_as_they_are(odd):
    odd.run("curate", "promote", "--force", "--reason", NOTE)
    card = (odd.root / "models/production.md").read_text()
    assert "\x1b" not in card
    assert "\u202e" not in card
    assert "<script" not in card.replace("\\<", "")
    for name in CLASSES[:6]:
        assert markdown(name) in card
    odd.run("curate", "report")
    odd.run("curate", "versions", "--csv", "versions.csv")
    odd.run("curate", "summary")


@pytest.mark.browser
@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium: apt-get install chromium")
def test_the_review_shows_and_decides_on_odd_names_in_the_browser(odd, serve_review, browse):
    before = len(read_reviews(odd.root / "data/reviews.csv"))
    with serve_review(odd.root, odd.env, "--reviewer", REVIEWER) as address:
        page = browse(address)
        asked = []
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.locator('[data-cy="looker"]').first.click()
        page.wait_for_selector('[data-cy="modal"]')
        for key in "kkkk":
            page.keyboard.press(key)
            page.wait_for_timeout(700)
        page.wait_for_function(r"/\b4 of \d+ decided/.test(document.querySelector('#curation-review').innerText)")
        assert not asked
    log = read_reviews(odd.root / "data/reviews.csv")
    assert len(log) == before + 4
    assert set(log.reviewer) == {REVIEWER}


def files(folder):
    """The pictures below a folder."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in UNFIT | {".gitignore"}]
