"""`curate dedupe FOLDER`: the JSON of the issue, a page that opens from disk, no project needed."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from curation.cli.main import app


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    one = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8)).resize((150, 150), Image.Resampling.BICUBIC)
    for name in ("cat", "dog"):
        (tmp_path / "in" / name).mkdir(parents=True)
    one.resize((200, 200)).save(tmp_path / "in/cat/one.png")
    one.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "in/cat/two.jpg", quality=80)
    Image.fromarray(rng.integers(0, 256, (7, 7, 3), np.uint8)).resize((150, 150)).save(tmp_path / "in/dog/other.png")
    (tmp_path / "in/dog/bad.jpg").write_bytes(b"no image")
    return tmp_path / "in"


def test_json_has_groups_conflicts_marks_and_unreadable_files_with_relative_paths(folder, tmp_path):
    result = CliRunner().invoke(
        app, ["dedupe", str(folder), "--json", "--html", str(tmp_path / "page.html"), "--workers", "1"]
    )
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert list(found) == ["groups", "conflicts", "marked", "unreadable"]
    (group,) = found["groups"]
    assert group["keeper"] == "cat/one.png"
    assert [(copy["path"], copy["orientation"]) for copy in group["copies"]] == [("cat/two.jpg", "mirrored")]
    assert found["unreadable"][0]["path"] == "dog/bad.jpg"
    page = (tmp_path / "page.html").read_text()
    assert "data:image/jpeg;base64," in page
    assert "keeper" in page


def test_a_descriptor_that_is_not_there_is_one_clear_error(folder):
    pytest.importorskip("onnxruntime")
    result = CliRunner().invoke(app, ["dedupe", str(folder), "--descriptor", "none.onnx", "--workers", "1"])
    assert result.exit_code == 1
    assert "none.onnx does not exist" in " ".join(result.output.split())


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path):
    result = CliRunner().invoke(app, ["dedupe", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "is not a folder" in result.stderr
