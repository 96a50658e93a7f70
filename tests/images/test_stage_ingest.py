"""The stage ingest, run as DVC runs it: what it writes, what it says, and how it refuses."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from curation.images.ingest_report import SHOWN, Report

HOUSE = Path(__file__).parents[2]


def run(root: Path) -> subprocess.CompletedProcess[str]:
    shutil.copy(HOUSE / "params.yaml", root)
    (root / "stages").mkdir(exist_ok=True)
    shutil.copy(HOUSE / "stages/behaviour.yaml", root / "stages")
    environment = {**os.environ, "PYTHONPATH": str(HOUSE)}
    (root / "dvc.yaml").touch()
    command = [sys.executable, "-m", "stages.ingest"]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_stage_writes_the_table_and_names_what_needs_a_look(project, picture, encoded):
    root = project({
        "data/raw/cat/a.jpg": encoded(picture(0)),
        "data/raw/dog/b.jpg": encoded(picture(1)),
        "data/raw/dog/c.jpg": encoded(picture(1)),
        "data/raw/dog/d.jpg": encoded(picture(2), "PNG"),
        "data/raw/dog/text.jpg": "no picture",
    })  # fmt: skip
    done = run(root)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ingest: 3 images in 2 classes, 1 more files with the same bytes, 1 unreadable, 1 odd\n"
    assert "unreadable, left out: data/raw/dog/text.jpg: not an image: text" in done.stderr
    assert "odd, but kept: data/raw/dog/d.jpg: PNG data in a file named .jpg" in done.stderr
    assert len(pd.read_parquet(root / "data/images.parquet")) == 4
    assert sorted(path.name for path in (root / "data").iterdir()) == ["images.parquet", "raw"]


@pytest.mark.parametrize(
    ("files", "words"),
    [({"a": ""}, "data/raw does not exist"), ({"data/raw/a/x.jpg": "", "data/raw/A/x.jpg": ""}, "differ only in case")],
)
def test_bad_input_is_one_message(project, files, words):
    done = run(project(files))
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_long_list_is_cut_with_the_place_of_the_rest(capsys):
    report = Report()
    row = {"source": "raw", "benchmark_set": "", "label": "cat", "copy_paths": [], "error": "bad", "note": ""}
    report.add(pd.DataFrame([row | {"path": f"{number:03}.jpg"} for number in range(30)]))
    report.print()
    shown = capsys.readouterr()
    assert shown.out.startswith("ingest: 0 images in 1 classes")
    assert shown.err.count("unreadable, left out") == SHOWN
    assert "and 10 more" in shown.err
    assert "data/images.parquet" in shown.err


def test_the_stage_names_folders_that_are_not_read_and_counts_what_it_passes_over(project, picture, encoded):
    root = project({
        "data/raw/cat/a.jpg": encoded(picture(0)),
        "data/raw/dog/b.jpg": encoded(picture(1)),
        "data/raw/@eaDir/a.jpg/thumb.jpg": "x",
        "data/raw/cat/@eaDir/a.jpg": "x",
        "data/raw/cat/.thumbnails/a.jpg": "x",
        "data/raw/cat/Thumbs.db": "x",
        "data/raw/cat/._a.jpg": "x",
        "data/raw/.gitignore": "x",
        "data/unlabeled/c.jpg": encoded(picture(2)),
        "data/benchmark/hard/d.jpg": encoded(picture(3)),
    })  # fmt: skip
    done = run(root)
    assert done.returncode == 0, done.stderr
    assert "note: data/unlabeled is not read: did you mean data/unlabelled?" in done.stderr
    counted = "1 files Thumbs.db, 1 folders .thumbnails, 2 folders @eaDir, 1 hidden files"
    assert f"note: passed over, as hidden or left behind by a system: {counted}\n" in done.stderr
    assert "note: benchmark set hard: all of its 1 images are labelled unknown" in done.stderr
