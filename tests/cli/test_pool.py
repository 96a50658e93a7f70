"""The commands on the pool, run as a person runs them: what they print, write, copy and move."""

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
from curation.decisions.log import append_reviews
from curation.predict.calibration import Calibration
from curation.predict.ood import Answered
from curation.predict.thresholds import curve

POOL = ["unknowns", "thin", "staged", "lookalikes", "purge", "next", "sample-pool"]
COMMANDS = [*POOL, "identify", "label accept", "label export"]
OUTPUTS = ["--json", "--csv", "--html", "--push", "--limit", "--copy-to"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Thirty pool images identified as red or blue, from sure to unsure, and the tables around them."""
    monkeypatch.chdir(tmp_path)
    for name in ("dvc.yaml", "params.yaml"):
        Path(name).write_text("{}\n")
    rng = np.random.default_rng(0)
    rows, images, known = [], [], []
    for number in range(30):
        image_id, path = f"{number:032x}", f"data/unlabelled/{number:02d}.png"
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (12, 12, 3), dtype=np.uint8)).save(path)
        sure = 0.995 - number * 0.03
        label, other = ("red", "blue") if number % 2 else ("blue", "red")
        rows.append({
            "image_id": image_id, "path": path, "source": "unlabelled", "label": label, "confidence": sure,
            "top_labels": [label, other], "top_confidences": [sure, 1 - sure],
            "ood_score": 0.8, "leak_group": image_id,
            "embedding": rng.normal(size=8).astype("<f2").tobytes(),
        })  # fmt: skip
        images.append({"image_id": image_id, "path": path, "source": "unlabelled", "copy_paths": []})
    for number in range(40):
        vector = rng.normal(size=8).astype("<f2").tobytes()
        facts = {"image_id": f"{900 + number:032x}", "label": "red" if number % 2 else "blue"}
        known.append(
            {
                **facts,
                "predicted": facts["label"],
                "split": "train",
                "state": "kept",
                "origin": "real",
                "embedding": vector,
            }
        )
        images.append({**facts, "path": f"data/raw/{facts['label']}/{number}.png", "source": "raw", "copy_paths": []})
    known[0]["origin"] = known[2]["origin"] = "staged"
    write(tmp_path, tables.IDENTIFIED, rows)
    write(tmp_path, tables.IMAGES, images)
    write(tmp_path, tables.PREDICTIONS, known)
    write(tmp_path, tables.SELECTION, known)
    found = curve(np.linspace(1, 0.5, 200), np.arange(200) < 170)
    Calibration(("blue", "red"), curve=found).write(Path("data/calibration.json"))
    Path("params.yaml").write_text("cutoff: {min: 20, reach: 5}\n")
    return tmp_path


def run(*words, code=0):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def as_json(*words):
    return json.loads(run(*words, "--json").stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_page_of_help_with_an_example(command):
    text = run(*command.split(), "--help").output
    assert "Example" in text
    if command in POOL:
        assert all(
            option in text for option in OUTPUTS if option != "--limit" or command not in ("next", "sample-pool")
        )


def test_unknowns_lists_the_sure_ones_surest_first_and_says_what_to_expect(project):
    done = run(
        "unknowns", "--min-conf", 0.9, "--json", "--csv", "out.csv", "--html", "look.html", "--copy-to", "copies"
    )
    rows = json.loads(done.stdout)
    assert [row["image_id"] for row in rows] == [f"{number:032x}" for number in range(4)]
    assert {"image_id", "path", "label", "confidence"} <= set(rows[0])
    assert "no precision at confidence >= 0.900 is stated for this pool" in done.stderr
    assert "curate audit unknowns" in done.stderr
    assert "proposed as blue: " in done.stderr
    assert len(pd.read_csv("out.csv", dtype=str)) == 4
    assert Path("look.html").read_text().count("<img") == 4
    assert len(list(Path("copies/blue").iterdir())) == 2
    assert Path("data/unlabelled/00.png").exists()


@pytest.mark.parametrize("option", ["--csv", "--html"])
def test_a_file_in_no_folder_is_refused_before_the_work(project, option):
    done = run("unknowns", option, "nowhere/deep/out.file", code=1)
    assert "there is no folder nowhere/deep" in done.stderr
    assert not Path("nowhere").exists()
    Path("here").mkdir()
    assert "name the file to write in it" in run("unknowns", option, "here", code=1).stderr


def test_unknowns_takes_a_class_a_limit_and_a_precision(project):
    assert [row["label"] for row in as_json("unknowns", "--min-conf", 0, "--class", "red", "--limit", 3)] == ["red"] * 3
    assert len(as_json("unknowns", "--target-precision", 0.8)) > len(as_json("unknowns", "--target-precision", 0.95))
    assert "no class `green`" in run("unknowns", "--class", "green", code=1).stderr
    assert run("unknowns", "--min-conf", 2, code=2)
    assert "give only one of them" in run("unknowns", "--table", "a.parquet", "--rev", "HEAD", code=1).stderr


@pytest.mark.parametrize(
    "command", [("accept", "no.csv"), ("import", "no.json"), ("import", "no.xml", "--from", "cvat")], ids=" ".join
)
def test_a_file_that_is_not_there_is_named_in_words(project, command):
    told = run("label", *command, code=1).stderr
    assert command[1] in told
    assert "there is no such file" in told
    assert "Errno" not in told


def test_a_pool_like_val_gets_a_stated_precision_and_each_class_its_own(project):
    like = Answered((0, 1) * 450, tuple(np.linspace(0.1, 1, 900)), tuple(np.linspace(0, 0.99, 900)))
    found = curve(np.linspace(1, 0.5, 200), np.arange(200) < 170)
    few = curve(np.linspace(1, 0.9, 7), np.arange(7) < 7)
    Calibration(("blue", "red"), curve=found, class_curves={"red": few}, like=like).write(Path("data/calibration.json"))
    table = tables.read(Path("data/identified.parquet"), tables.IDENTIFIED)
    names = [table.image_id.str.replace("^0", str(part), regex=True) for part in range(4)]
    more = pd.concat([table.assign(image_id=one) for one in names])
    more["leak_group"], more["ood_score"] = more.image_id, np.linspace(0, 0.99, len(more)).astype(np.float32)
    tables.write(more, Path("data/identified.parquet"), tables.IDENTIFIED)
    told = run("unknowns", "--min-conf", 0.9).stderr
    assert "on images like val: precision 1.000 (at least 0.928, at 95 %; 40 val images)" in told
    assert "proposed as red: precision 1.000 (too few val images for a lower bound, 7 of 20)" in told
    assert "proposed as blue: no val image" in told
    assert "are not left out" in run("unknowns", "--min-conf", 0.9, "--max-ood-score", 1).stderr


def test_an_audit_is_drawn_labelled_and_shown_wherever_its_threshold_is_used(project):
    assert "draw a sample" in run("audit", "unknowns", "--result", code=1).stderr
    done = run("audit", "unknowns", "--n", 3, "--csv", "audit.csv")
    assert "3 of 4 proposals drawn; recorded in data/audits.json" in done.stderr
    drawn = pd.read_csv("audit.csv", dtype=str)
    assert "drawn before" in run("audit", "unknowns", "--n", 3).stderr
    rows = drawn[["image_id", "label"]].assign(decision="relabel").to_dict("records")
    append_reviews(Path("data/reviews.csv"), rows[:2])
    assert "1 are not decided yet and count as wrong" in run("audit", "unknowns", "--result").stderr
    append_reviews(Path("data/reviews.csv"), rows[2:])
    found = as_json("audit", "unknowns", "--result")
    assert found == [{"min_conf": 0.9, "class": "", "seed": 0, "proposals": 4, "drawn": 3, "decided": 3, "right": 3,
                      "at_least": 0.3684}]  # fmt: skip
    assert json.loads(Path("data/audits.json").read_text())["audits"][0]["right"] == 3
    assert "3 are right, so at least 0.368 of them all, at 95 %" in run("unknowns", "--min-conf", 0.9).stderr
    assert "audit of" not in run("unknowns", "--min-conf", 0.8).stderr


def test_thin_and_staged_say_what_each_class_misses(project):
    assert "no class of that name needs images; those that do: blue" in run("thin", "--class", "x").stderr
    done = run("thin", "--json")
    assert "blue: has 20, wants 25" in done.stderr
    assert {row["missing"] for row in json.loads(done.stdout)} == {5}
    staged = as_json("staged", "--share", 0.05)
    assert {row["label"] for row in staged} == {"blue"}
    assert as_json("staged") == []


def test_lookalikes_come_in_groups(project):
    rows = as_json("lookalikes", "red", "--max-conf", 0.9, "--limit", 7)
    assert len(rows) == 7
    assert {"group", "unlike"} <= set(rows[0])
    assert all(row["confidence"] <= 0.9 for row in rows)


def test_next_feeds_label_and_only_decided_images_move(project):
    run("next", "-n", 6, "--csv", "picks.csv", "--strategy", "margin")
    assert as_json("label", "accept", "picks.csv", "--reviewer", "ana")[0]["moved"] == 0
    shown = as_json("label", "export", "picks.csv", "tasks.json")
    assert shown["file"] == "tasks.json"
    assert Path(shown["interface"]).exists()
    run("label", "export", "picks.csv", "tags.xml", "--to", "cvat")
    Path("done.xml").write_text(Path("tags.xml").read_text().replace('source="auto"', 'source="manual"', 2))
    found = as_json("label", "import", "done.xml", "--from", "cvat", "--reviewer", "ana")
    assert found == [{"decisions": 2, "new": 2, "older": 0, "agreed": 4, "strange": 0}]
    assert as_json("label", "import", "done.xml", "--from", "cvat")[0]["new"] == 0
    done = as_json("label", "accept", "picks.csv", "--reviewer", "ana", "--rest-as", "predicted")[0]
    assert (done["accepted"], done["moved"], done["stayed"]) == (4, 6, 0)
    assert len(list(Path("data/raw").rglob("*.png"))) == 6
    log = pd.read_csv("data/reviews.csv", dtype=str)
    assert (log.decision == "sampled:model").sum() == 6
    assert len(log) == 12
    assert log.note[log.decision != "sampled:model"].str.contains("identified as").all()
    assert (log.reviewer == "ana").all()
    picked = set(pd.read_csv("picks.csv", dtype=str).image_id)
    assert not picked & {row["image_id"] for row in as_json("next", "-n", 20, "--strategy", "margin")}
    assert not picked & {row["image_id"] for row in as_json("unknowns", "--min-conf", 0)}
    run("next", "-n", 9, "--csv", "more.csv", "--strategy", "margin")
    assert "not a class" in run("label", "accept", "more.csv", "--rest-as", "gazelle", code=1).stderr


def sampled():
    """What the log says of how each image was chosen: image_id -> decision."""
    log = pd.read_csv("data/reviews.csv", dtype=str)
    rows = log[log.decision.str.startswith("sampled")]
    return dict(zip(rows.image_id, rows.decision, strict=True))


def test_sample_pool_draws_each_picture_once_and_records_it_until_it_is_labelled(project):
    ids = [f"{number:032x}" for number in range(30)]
    copies = {ids[1]: ids[0], ids[2]: ids[0]}
    write(project, tables.DUPLICATES, [{"image_id": one, "keeper": copies.get(one, one)} for one in ids])
    append_reviews(Path("data/reviews.csv"), [{"image_id": ids[29], "decision": "relabel", "label": "red"}])
    first = as_json("sample-pool", "-n", 10, "--csv", "sample.csv", "--reviewer", "ana")
    assert {row["label"] for row in first} == {""}
    assert all(row["confidence"] is None for row in first)
    done = run("sample-pool", "-n", 100, "--json")
    second = json.loads(done.stdout)
    assert "only 17 pictures" in done.stderr
    assert "1 images of the pool were labelled by other choices before" in done.stderr
    drawn = [row["image_id"] for row in [*first, *second]]
    assert len(drawn) == len(set(drawn)) == 27
    assert sampled() == dict.fromkeys(drawn, "sampled:uniform")
    assert len(as_json("sample-pool", "--open")) == 27
    assert "nobody has labelled" in run("sample-pool", code=1).stderr
    refused = run("label", "accept", "sample.csv", "--rest-as", "predicted", code=1).stderr
    assert "10 of the undecided images were drawn by `curate sample-pool`" in refused
    done = as_json("label", "accept", "sample.csv", "--rest-as", "red", "--reviewer", "ana")[0]
    assert (done["accepted"], done["moved"]) == (10, 10)
    assert {sampled()[row["image_id"]] for row in first} == {"sampled:uniform"}


def test_what_a_model_proposed_is_recorded_so_when_it_moves(project):
    run("unknowns", "--min-conf", 0.95, "--csv", "sure.csv")
    run("label", "accept", "sure.csv", "--rest-as", "predicted", "--reviewer", "ana")
    proposed = pd.read_csv("sure.csv", dtype=str).image_id
    assert sampled() == dict.fromkeys(proposed, "sampled:model")
    run("label", "accept", "sure.csv", "--rest-as", "predicted", "--reviewer", "ana")
    assert len(pd.read_csv("data/reviews.csv", dtype=str)) == 2 * len(proposed)


def test_a_turn_alone_is_no_answer_so_the_rest_is_accepted_with_it(project):
    run("next", "-n", 3, "--csv", "picks.csv", "--strategy", "margin")
    first = pd.read_csv("picks.csv", dtype=str).image_id[0]
    append_reviews(Path("data/reviews.csv"), [{"image_id": first, "decision": "turn:90"}])
    done = as_json("label", "accept", "picks.csv", "--reviewer", "ana", "--rest-as", "predicted")[0]
    assert (done["accepted"], done["moved"]) == (3, 3)


def test_the_log_names_the_model_that_gave_the_answers(project):
    answers = Calibration(("blue", "red"), model="c0ffee" * 5 + "00")
    Path("data/identified.parquet").rename("other.parquet")
    answers.write(Path("other.calibration.json"))
    run("next", "-n", 2, "--csv", "picks.csv", "--strategy", "margin", "--table", "other.parquet")
    run("label", "accept", "picks.csv", "--rest-as", "predicted", "--reviewer", "ana", "--table", "other.parquet")
    assert set(pd.read_csv("data/reviews.csv", dtype=str).model) == {"c0ffeec0ffee"}


def test_purge_is_dry_by_default_and_undo_brings_all_back(project):
    copy, sheet = Path("data/unlabelled/copies/29.png"), Path("data/unlabelled/metadata.csv")
    copy.parent.mkdir()
    copy.write_bytes(Path("data/unlabelled/29.png").read_bytes())
    images = tables.read(Path("data/images.parquet"), tables.IMAGES)
    images.at[29, "copy_paths"] = [copy.as_posix()]
    tables.write(images, Path("data/images.parquet"), tables.IMAGES)
    sheet.write_text("file_name,origin\n00.png,staged\n28.png,staged\ncopies/29.png,synthetic\n05.png,\n")
    before = contents()
    assert as_json("purge", "--max-conf", 0.3) == []
    assert len(as_json("purge", "--max-conf", 0.3, "--min-ood-score", 0.5)) == 6
    assert contents() == before
    assert "7 files moved" in run("purge", "--max-conf", 0.3, "--min-ood-score", 0.5, "--yes").stderr
    assert len(contents()) == len(before) - 7
    assert sheet.read_text() == "file_name,origin\n00.png,staged\n05.png,\n"
    assert as_json("purge", "--max-conf", 0.3, "--min-ood-score", 0.5) == []
    run("purge", "--undo")
    assert contents() == before


def contents():
    """Every file of the pool, with its bytes."""
    return {path: path.read_bytes() for path in Path("data/unlabelled").rglob("*") if path.is_file()}


@pytest.mark.parametrize("words", [["unknowns"], ["lookalikes", "red"], ["next"], ["purge"], ["identify", "nowhere"]])
def test_an_empty_project_gets_one_clear_message(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    done = run(*words, code=1)
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.output
