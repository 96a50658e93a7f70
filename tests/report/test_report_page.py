"""The report: one file, self-contained, the same bytes each time, from whatever tables there are."""

import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from curation import tables
from curation.errors import CurationError
from curation.evaluation.prediction_table import write_predictions
from curation.predict.calibration import Calibration
from curation.predict.score_store import Scored
from curation.project import Project
from curation.report import write_report
from curation.report.collection_part import kind_of

CLASSES = ["ape", "cat", "dog"]
VOID = {"meta", "img", "br", "line", "rect", "circle", "polyline"}


class Strict(HTMLParser):
    """Checks that elements close in order and collects what matters."""

    def __init__(self):
        super().__init__()
        self.open, self.images, self.links, self.ids, self.charts = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        if tag == "img":
            self.images.append(attrs)
        if tag == "svg":
            self.charts.append(attrs)
        if tag == "a":
            self.links.append(attrs["href"])
        if tag not in VOID and tag != "li":
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID and tag != "li":
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A whole round on disk, with real small pictures."""
    root = tmp_path_factory.mktemp("round")
    splits, scored, base = made_round(300)
    images, duplicates = images_of(splits), duplicates_of(splits)
    for row in images.to_dict("records"):
        path = root / row["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), tuple(int(row["image_id"][at : at + 2], 16) for at in (0, 2, 4))).save(path)
    images.loc[3, "error"] = "truncated"
    twin = duplicates.index[5]
    duplicates.loc[twin, ["keeper", "distance", "orientation", "conflict"]] = [duplicates.image_id[6], 3, 4, "<ape>"]
    data = root / "data"
    tables.write(images, data / "images.parquet", tables.IMAGES)
    tables.write(duplicates, data / "duplicates.parquet", tables.DUPLICATES)
    tables.write(splits, data / "splits.parquet", tables.SPLITS)
    tables.write(selection_of(splits), data / "selection.parquet", tables.SELECTION)
    val = (splits.split == "val").to_numpy()
    calibration = Calibration.fit(
        scored.logits[val], np.array([CLASSES.index(label) for label in splits.label[val]]), classes=CLASSES
    )
    calibration.write(data / "calibration.json")
    write_predictions(data / "predictions.parquet", splits, scored, base, calibration.probabilities)
    tables.write(queue_of(splits, images), data / "errors.parquet", tables.ERRORS)
    reports(root)
    return root


def made_round(count):
    """SPLITS, and scores of a model and of a worse one before it."""
    rng = np.random.default_rng(0)
    truth = rng.integers(len(CLASSES), size=count)
    ids = [hashlib.md5(bytes([i % 256, i // 256])).hexdigest() for i in range(count)]
    splits = pd.DataFrame({"image_id": sorted(ids)})
    splits["label"], splits["subclass"], splits["origin"] = np.asarray(CLASSES, object)[truth], "", "real"
    splits["leak_group"] = splits.image_id
    splits["split"] = rng.choice(["train", "val", "test", "benchmark"], size=count)
    splits["benchmark_set"] = np.where(splits.split == "benchmark", "frozen", "")
    splits["fold"], splits["basis"], splits["reason"], splits["turn"], splits["small"] = -1, "draw", "by lot", 0, False
    scores = []
    for noise in (1.0, 2.0):
        logits = (np.eye(len(CLASSES))[truth] * 3 + rng.normal(size=(count, len(CLASSES))) * noise).astype(np.float32)
        scores.append(Scored(splits.image_id.tolist(), CLASSES, logits, logits.astype(np.float16)))
    return splits, *scores


def images_of(splits):
    frame = pd.DataFrame({name: [""] * len(splits) for name in tables.IMAGES.columns})
    frame["image_id"], frame["label"], frame["source"], frame["origin"] = splits.image_id, splits.label, "raw", "real"
    frame["path"] = [f"data/raw/{label}/{number}.png" for number, label in enumerate(splits.label)]
    frame["copy_paths"] = frame["copy_labels"] = [[] for _ in range(len(splits))]
    frame["hash"] = frame["thumbnail"] = [b""] * len(splits)
    for field in tables.IMAGES.schema:
        if str(field.type) in {"int32", "int64", "float"}:
            frame[field.name] = 1
    return frame


def duplicates_of(splits):
    frame = splits[["image_id", "leak_group"]].assign(keeper=splits.image_id, distance=0, similarity=1.0)
    return frame.assign(orientation=0, conflict="")


def selection_of(splits):
    frame = splits[["image_id", "benchmark_set", "label", "subclass", "origin", "leak_group", "turn", "small"]].copy()
    frame["original_label"], frame["source"], frame["state"], frame["decision"] = frame.label, "raw", "kept", ""
    frame["reason"] = ""
    frame.loc[3, ["state", "reason"]] = ["dropped", "unreadable: truncated"]
    return frame


def queue_of(splits, images):
    frame = splits.head(30)[["image_id", "split", "label"]].copy()
    frame["path"], frame["predicted"], frame["suggested"] = images.path[:30], "cat", "cat"
    frame["confidence"], frame["kind"], frame["label_error"] = 0.8, "error", np.linspace(0, 0.9, 30)
    frame["cluster"] = np.arange(30) % 3 - 1
    frame["explanation"], frame["representative"] = "dog & cat <b>", False
    frame["rank"], frame["gain"], frame["map_x"], frame["map_y"] = np.arange(30), 1.0, 0.0, 0.0
    frame["nearest_correct"] = [[] for _ in range(30)]
    return frame


def reports(root):
    folder = root / "reports/evaluate"
    folder.mkdir(parents=True)
    (root / "reports/train").mkdir()
    (root / "reports/train/history.csv").write_text(
        "epoch,lr,train_loss,train_accuracy,val_loss,val_accuracy\n1,0.1,1.2,0.4,1.1,0.5\n2,0.1,0.8,0.7,0.9,0.6\n"
    )
    (folder / "confusion.csv").write_text("actual,predicted\nape,ape\nape,dog\ndog,dog\n")
    (folder / "per_class.csv").write_text(
        "set,class,precision,recall,f1,support,predicted\ntest,ape,1,0.5,0.67,2,1\ntest,dog,0.5,1,0.67,1,2\n"
    )
    (folder / "reliability.csv").write_text("confidence,accuracy,images\n0.5,0.4,10\n0.9,0.95,20\n")
    (folder / "coverage.csv").write_text("threshold,coverage,precision\n0.9,0.3,1\n0.2,1,0.8\n")
    numbers = {"images": 40, "accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": 0.9, "ece": 0.03}
    change = {"images": 40, "better": 5, "worse": 2, "same": 33, "difference": 0.075, "p_value": 0.45}
    metrics = {"test": numbers, "benchmark": {"frozen": numbers}, "against_base": {"test": change}}
    metrics["baselines"] = {"majority": 0.3, "pixels": 0.6}
    metrics["breakdown"] = {"label_noise": 0.02, "bias": 0.01, "shift": {"frozen": 0.05}}
    metrics["out_of_scope"] = {"field": {"images": 10, "refused": 0.9, "auc_energy": 0.8}}
    (root / "reports/metrics.json").write_text(json.dumps(metrics))


@pytest.fixture(scope="module")
def text(project):
    assert write_report(Project(project), project / "out.html") >= 10
    return (project / "out.html").read_text(encoding="utf-8")


def test_it_needs_nothing_but_itself(text):
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*', text)
    assert "<script" not in text
    assert "http" not in text
    assert "url(" not in text


def test_it_is_well_formed_and_its_links_lead_somewhere(text):
    page = Strict()
    page.feed(text)
    assert page.open == []
    assert {link.removeprefix("#") for link in page.links} == set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_every_picture_and_chart_has_words(text):
    page = Strict()
    page.feed(text)
    assert page.images
    assert len(page.charts) >= 8
    assert all(image["alt"] for image in page.images)
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in page.charts)


def test_names_from_the_tables_are_escaped(text):
    assert "dog &amp; cat &lt;b&gt;" in text
    assert "<ape>" not in text


def test_the_same_round_gives_the_same_bytes(project, text):
    write_report(Project(project), project / "again.html")
    assert (project / "again.html").read_text(encoding="utf-8") == text


def test_it_tells_the_round(text):
    for words in (
        *("What became of every file", "300 files", "Near-duplicates", "mirrored", "ape taken for dog (1)"),
        *("80.0% on test", "Cluster 0", "Alone", "Suspicious labels", "5 images are named better", "curate promote"),
        *("beats the best simple method (60.0%)", "shift to frozen", "Out of scope"),
    ):
        assert words in text, words


@pytest.mark.parametrize("missing", ["images", "duplicates", "selection", "splits", "predictions", "errors", "reports"])
def test_any_part_may_be_missing(project, tmp_path, missing):
    for folder in ("data", "reports"):
        for path in (project / folder).rglob("*"):
            if path.is_file() and path.suffix != ".png" and missing not in {path.stem, folder}:
                target = tmp_path / path.relative_to(project)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    assert write_report(Project(tmp_path), tmp_path / "out.html") >= 3
    page = Strict()
    page.feed((tmp_path / "out.html").read_text(encoding="utf-8"))
    assert page.open == []


def test_an_image_that_is_gone_shows_why(project, tmp_path, text):
    assert "data:image/jpeg" in text
    copy = tmp_path / "data"
    copy.mkdir()
    for name in ("images", "duplicates"):
        (copy / f"{name}.parquet").write_bytes((project / f"data/{name}.parquet").read_bytes())
    write_report(Project(tmp_path), tmp_path / "out.html")
    assert 'class="gone"' in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_nothing_to_report_is_one_clear_error(tmp_path):
    with pytest.raises(CurationError, match="dvc repro"):
        write_report(Project(tmp_path), tmp_path / "out.html")


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("twin of 0a1b2c3d4e5f", "twin of …"),
        ("class `seven` has 24 of the 40 images it needs", "class `seven` has … of the … images it needs"),
        ("unreadable: truncated", "unreadable: truncated"),
    ],
)
def test_reasons_are_counted_by_kind(reason, kind):
    assert kind_of(reason) == kind
