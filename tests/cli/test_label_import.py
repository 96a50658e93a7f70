"""`curate label import` of a project of Label Studio or CVAT that grows, run as a person runs it, again and again."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories.tables import write
from PIL import Image
from typer.testing import CliRunner

from curation import tables
from curation.cli.main import app

IDS = [f"{number:032x}" for number in range(8)]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Eight images of the pool that a model called red, and two classes."""
    monkeypatch.chdir(tmp_path)
    for name in ("dvc.yaml", "params.yaml"):
        Path(name).write_text("{}\n")
    known = [{"image_id": f"{90 + number:032x}", "label": name} for number, name in enumerate(("red", "blue"))]
    rows = [{"image_id": one, "path": f"data/unlabelled/{one[-2:]}.png", "source": "unlabelled"} for one in IDS]
    for number, row in enumerate(rows):
        Path(row["path"]).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 9, 3), 20 * number, np.uint8)).save(row["path"])
    write(tmp_path, tables.IDENTIFIED, [{**row, "label": "red", "confidence": 0.5} for row in rows])
    write(tmp_path, tables.SELECTION, [{**row, "state": "kept"} for row in known])
    images = [{**row, "path": f"data/raw/{row['label']}/a.png", "source": "raw"} for row in known]
    write(tmp_path, tables.IMAGES, [{**row, "copy_paths": []} for row in [*rows, *images]])
    Path("picks.csv").write_text("image_id\n" + "\n".join(IDS) + "\n")
    return tmp_path


def curate(*words):
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), done.stderr


def labelled(answers, day=1):
    """An export of Label Studio: image_id -> class, all chosen on one day."""
    when = f"2026-01-{day:02d}T10:00:00Z"
    made = []
    for image_id, name in answers.items():
        result = {"type": "choices", "from_name": "label", "value": {"choices": [name]}}
        made.append(
            {"data": {"image_id": image_id}, "annotations": [{"id": 1, "updated_at": when, "result": [result]}]}
        )
    Path("project.json").write_text(json.dumps(made), encoding="utf-8-sig")
    return curate("label", "import", "project.json", "--reviewer", "ana")


def held():
    log = pd.read_csv("data/reviews.csv", dtype=str, keep_default_na=False)
    log = log[~log.decision.str.startswith("sampled:")]  # how an image came in, not what it is
    last = log.sort_values("decided_at", kind="stable").drop_duplicates("image_id", keep="last")
    return dict(zip(last.image_id, last.decision.str.cat(last.label, " ").str.strip(), strict=True))


def test_a_project_of_label_studio_is_imported_as_often_as_it_grows(project):
    assert labelled({IDS[0]: "red", IDS[1]: "blue"})[0][0]["new"] == 2
    assert labelled({IDS[0]: "red", IDS[1]: "blue"})[0][0]["new"] == 0
    moved, _ = curate("label", "accept", "--reviewer", "ana")
    assert moved[0]["moved"] == 2
    grown = {IDS[0]: "red", IDS[1]: "blue", IDS[2]: "unknown", IDS[3]: "remove", "f" * 32: "red"}
    found, told = labelled(grown)
    assert (found[0]["decisions"], found[0]["new"], found[0]["strange"]) == (4, 2, 1)
    assert "passed over: 1 images that are not (or no longer) in the project" in told
    assert labelled({**grown, IDS[1]: "red"}, day=5)[0][0]["new"] == 1
    assert held() == {IDS[0]: "relabel red", IDS[1]: "relabel red", IDS[2]: "unknown", IDS[3]: "remove"}
    Path("data/raw/red/00.png").unlink()  # removed since: the next import goes on without it
    images = tables.read(Path("data/images.parquet"), tables.IMAGES)
    tables.write(images[images.image_id != IDS[0]], Path("data/images.parquet"), tables.IMAGES)
    left = tables.read(Path("data/identified.parquet"), tables.IDENTIFIED)
    tables.write(left[left.image_id != IDS[0]], Path("data/identified.parquet"), tables.IDENTIFIED)
    assert labelled({**grown, IDS[4]: "blue"}, day=6)[0][0]["new"] >= 1
    assert held()[IDS[4]] == "relabel blue"


def test_a_task_of_cvat_is_imported_as_often_as_it_grows(project):
    curate("label", "export", "picks.csv", "tags.xml", "--to", "cvat")
    written = Path("tags.xml").read_text()

    def tagged(*changes):
        text = written
        for image_id, name, source in changes:
            old = f'name="data/unlabelled/{image_id[-2:]}.png">\n    <tag label="red" source="auto" />'
            assert old in text
            text = text.replace(old, old.replace('"red" source="auto"', f'"{name}" source="{source}"'))
        Path("done.xml").write_text(text)
        more = ("--exported", "tags.xml", "--reviewer", "ben")
        return curate("label", "import", "done.xml", "--from", "cvat", *more)[0][0]

    first = (IDS[0], "blue", "auto")  # CVAT keeps `auto` on a tag that a person has changed
    assert tagged(first)["new"] == 1
    assert tagged(first)["new"] == 0
    moved, _ = curate("label", "accept", "--reviewer", "ben")
    assert moved[0]["moved"] == 1
    second = (IDS[1], "red", "manual")
    found = tagged(first, second)
    assert (found["decisions"], found["new"], found["agreed"]) == (2, 1, 6)
    assert tagged((IDS[0], "red", "manual"), second)["new"] == 1
    assert held() == {IDS[0]: "relabel red", IDS[1]: "relabel red"}
    found, _ = curate("label", "import", "done.xml", "--from", "cvat", "--exported", "tags.xml", "--accept-agreed")
    assert found[0]["new"] == 6
    assert set(held().values()) == {"relabel red"}


def test_rest_as_takes_images_of_which_only_the_use_is_decided_and_no_others(project):
    rows = [
        (IDS[0], "turn:90"),
        (IDS[1], "small"),
        (IDS[2], "remove"),
        (IDS[3], "unknown"),
        (IDS[4], "not_copy:" + IDS[5]),
    ]
    lines = [f"{one},{word},,,ana,2026-01-01T00:00:00+00:00,," for one, word in rows]
    head = "image_id,decision,label,subclass,reviewer,decided_at,model,note\n"
    Path("data/reviews.csv").write_text(head + "\n".join(lines) + "\n")
    done, _ = curate("label", "accept", "picks.csv", "--rest-as", "predicted", "--reviewer", "ana")
    assert (done[0]["accepted"], done[0]["moved"]) == (6, 6)
    assert sorted(path.stem for path in Path("data/raw/red").iterdir()) == ["00", "01", "04", "05", "06", "07"]
