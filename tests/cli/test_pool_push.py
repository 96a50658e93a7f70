"""`--push` and back: a question's answer in FiftyOne, a tag made there, and the image in data/raw/<class>/."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from factories.tables import write
from PIL import Image

from curation import tables
from curation.predict.calibration import Calibration

TAG = textwrap.dedent("""
    import fiftyone as fo
    dataset = fo.load_dataset("curation-unknowns")
    view = dataset.sort_by("image_id")
    assert dataset.count() == 3, dataset.count()
    view[:1].tag_samples("relabel:blue")
""")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Three pool images identified as red, and a raw one of each class."""
    monkeypatch.chdir(tmp_path)
    rows, images = [], []
    for number in range(5):
        known = number >= 3
        label = ["red", "blue"][number % 2] if known else ""
        path = f"data/raw/{label}/{number}.png" if known else f"data/unlabelled/{number}.png"
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), 40 * number, np.uint8)).save(path)
        facts = {"image_id": f"{number:032x}", "path": path, "source": "raw" if known else "unlabelled"}
        images.append({**facts, "label": label})
        if not known:
            vector = np.full(4, number, "<f2").tobytes()
            guess = {"label": "red", "confidence": 0.95, "top_labels": ["red"], "top_confidences": [0.95]}
            rows.append({**facts, **guess, "leak_group": facts["image_id"], "embedding": vector})
    write(tmp_path, tables.IDENTIFIED, rows)
    write(tmp_path, tables.IMAGES, images)
    Calibration(("blue", "red")).write(Path("data/calibration.json"))
    Path("params.yaml").write_text("review: {dataset: curation}\n")
    Path("dvc.yaml").write_text("{}\n")
    return tmp_path


@pytest.mark.slow
def test_an_answer_is_pushed_tagged_pulled_and_moved(project, fiftyone_env):
    def curate(*words):
        code = "from curation.cli.main import app; app()"
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env=fiftyone_env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    pushed = curate("unknowns", "--min-conf", "0.9", "--push", "--json")
    assert len(json.loads(pushed.stdout)) == 3
    assert "curation-unknowns" in pushed.stderr
    subprocess.run([sys.executable, "-c", TAG], env=fiftyone_env, check=True, timeout=300, capture_output=True)
    accepted = json.loads(curate("label", "accept", "--pull", "unknowns", "--reviewer", "ana", "--json").stdout)[0]
    assert (accepted["pulled"], accepted["moved"]) == (1, 1)
    assert Path("data/raw/blue/0.png").exists()
    log = pd.read_csv("data/reviews.csv", dtype=str)
    assert log.note.str.contains("identified as red at 0.950").any()
    assert set(log.decision) == {"relabel", "sampled:model"}
