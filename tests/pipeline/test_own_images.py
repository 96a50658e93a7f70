"""A project with nothing but class folders of one's own, and its mistakes: one clear message each."""

import shutil

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytestmark = pytest.mark.pipeline

SHAPES = ("disc", "bar")


def picture(shape: str, rng: np.random.Generator) -> Image.Image:
    """A shape of random place, size and colours on a noisy ground."""
    ground = rng.integers(0, 90, (48, 64, 3), dtype=np.uint8)
    image = Image.fromarray(ground)
    x, y, size = rng.integers(6, 30), rng.integers(4, 18), rng.integers(12, 28)
    box = (x, y, x + size, y + size) if shape == "disc" else (x, y, x + size // 4, y + size + 8)
    colour = tuple(int(v) for v in rng.integers(120, 255, 3))
    (ImageDraw.Draw(image).ellipse if shape == "disc" else ImageDraw.Draw(image).rectangle)(box, fill=colour)
    return image


@pytest.fixture(scope="module")
def own(tmp_path_factory, make_clone):
    """Two classes, 60 images each, no pool, no benchmark, no metadata; FiftyOne not told where its database is."""
    project = make_clone("own")
    rng = np.random.default_rng(5)
    for shape in SHAPES:
        for number in range(60):
            path = project.root / "data" / "raw" / shape / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture(shape, rng).save(path)
    project.replace("params.yaml", "epochs: 20", "epochs: 2")
    return project


def test_the_whole_pipeline_runs_on_class_folders_alone(own):
    own.run("dvc", "repro")
    splits = own.table("splits")
    assert set(splits.label) == set(SHAPES)
    assert {"train", "val", "test"} <= set(splits.split)
    assert len(own.table("predictions")) == len(splits)
    own.run("curate", "summary")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (shutil.rmtree, "data/raw"),
        (lambda raw: [shutil.rmtree(folder) for folder in raw.iterdir()], "data/raw"),
        (lambda raw: (raw / "Disc").mkdir() or shutil.copy(raw / "disc" / "1.png", raw / "Disc" / "9.png"), "Disc"),
        (lambda raw: (raw / "metadata.csv").write_text("file_name,lable\ndisc/1.png,bar\n"), "lable"),
        (lambda raw: (raw / "metadata.csv").write_text("file_name,label\ndisc/none.png,bar\n"), "none.png"),
        (lambda raw: (raw / "metadata.csv").write_text("file_name,label\n../../params.yaml,bar\n"), "params.yaml"),
    ],
    ids=["no raw", "empty raw", "case", "misspelt column", "missing file", "path leaves"],
)
def test_a_mistake_in_the_data_is_one_message(own, change, says):
    raw, safe = own.root / "data" / "raw", own.root / "safe"
    shutil.copytree(raw, safe)
    change(raw)
    out = own.run("python", "-m", "stages.ingest", code=1)
    shutil.rmtree(raw, ignore_errors=True)
    safe.rename(raw)
    assert out.startswith("error: ")
    assert says in out
    assert "Traceback" not in out


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{known},frobnicate,,,me,2026-01-01T00:00:00Z,,", "frobnicate"),
        ("{known},relabel,,,me,2026-01-01T00:00:00Z,,", "relabel"),
    ],
    ids=["unknown decision", "no class"],
)
def test_a_mistake_in_the_reviews_is_one_message(own, row, says):
    reviews = own.root / "data" / "reviews.csv"
    header = reviews.read_text()
    reviews.write_text(header + row.format(known=own.table("images").image_id[0]) + "\n")
    out = own.run("python", "-m", "stages.cutoff", code=1)
    reviews.write_text(header)
    assert says in out
    assert "Traceback" not in out


def test_a_decision_on_an_image_that_is_gone_is_named_and_the_run_goes_on(own):
    reviews = own.root / "data" / "reviews.csv"
    header = reviews.read_text()
    reviews.write_text(header + "0" * 32 + ",remove,,,me,2026-01-01T00:00:00Z,,\n")
    out = own.run("python", "-m", "stages.cutoff")
    reviews.write_text(header)
    assert "0" * 32 in out


@pytest.mark.parametrize(
    ("old", "new", "stage", "says"),
    [
        ("base_model: models/backbone", "base_model: models/none", "train", "models/none"),
        ("arch: ", "arch: no_such_net #", "backbone", "no_such_net"),
        ("image_size: ", "image_size: 64 #", "train", "64"),
        ("epochs: ", "epoch: ", "train", "epoch"),
    ],
    ids=["missing base", "unknown arch", "other image size", "unknown key"],
)
def test_a_mistake_in_the_params_is_one_message(own, old, new, stage, says):
    params = own.root / "params.yaml"
    before = params.read_text()
    own.replace("params.yaml", old, new)
    out = own.run("python", "-m", f"stages.{stage}", code=1)
    params.write_text(before)
    assert says in out
    assert "Traceback" not in out


def contents(project):
    """The bytes of every table and model."""
    files = [path for name in ("data", "models") for path in (project.root / name).glob("*.*")]
    return {path: path.read_bytes() for path in files if path.is_file()}


@pytest.mark.parametrize("stage", ["ingest", "cutoff", "backbone", "resize"])
def test_a_disk_that_takes_no_more_is_one_message_and_nothing_is_lost(own, stage):
    before = contents(own)
    out = own.run("bash", "-c", f"rm -rf .cache; ulimit -f 1; exec python -m stages.{stage}", code=1)
    assert "disk" in out
    assert "Traceback" not in out
    assert contents(own) == before
