"""A whole round on disk, with real small pictures and any class names."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from curation import tables
from curation.evaluation.prediction_table import write_predictions
from curation.predict.calibration import Calibration
from curation.predict.score_store import Scored
from curation.project import Project
from curation.report.round_page import write_report

CLASSES = ["ape", "cat", "dog"]


@pytest.fixture(scope="session")
def write_round():
    """Write a round below a folder: (root, its classes, how many images)."""
    return write_round_below


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A round of 300 images."""
    root = tmp_path_factory.mktemp("round")
    write_round_below(root, CLASSES, 300)
    images = pd.read_parquet(root / "data/images.parquet", columns=["image_id", "path"])
    for row in images.to_dict("records"):
        path = root / row["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), tuple(int(row["image_id"][at : at + 2], 16) for at in (0, 2, 4))).save(path)
    return root


@pytest.fixture(scope="session")
def text(project):
    """The report on it."""
    assert write_report(Project(project), project / "out.html") >= 10
    return (project / "out.html").read_text(encoding="utf-8")


def write_round_below(root, classes, count):
    splits, scored, base = made_round(classes, count)
    images, duplicates = images_of(splits), duplicates_of(splits)
    images.loc[3, "error"] = "truncated"
    twin = duplicates.index[5]
    pair = [duplicates.image_id[6], 3, 4, f"<{classes[0]}>"]
    duplicates.loc[twin, ["keeper", "distance", "orientation", "conflict"]] = pair
    data = root / "data"
    tables.write(images, data / "images.parquet", tables.IMAGES)
    tables.write(duplicates, data / "duplicates.parquet", tables.DUPLICATES)
    tables.write(splits, data / "splits.parquet", tables.SPLITS)
    tables.write(selection_of(splits), data / "selection.parquet", tables.SELECTION)
    val = (splits.split == "val").to_numpy()
    calibration = Calibration.fit(
        scored.logits[val], np.array([classes.index(label) for label in splits.label[val]]), classes=classes
    )
    calibration.write(data / "calibration.json")
    write_predictions(data / "predictions.parquet", splits, (scored, base), calibration)
    tables.write(queue_of(splits, images, classes), data / "errors.parquet", tables.ERRORS)
    tables.write(pool_of(splits), data / "identified.parquet", tables.IDENTIFIED)
    reports(root, classes)


def made_round(classes, count):
    """SPLITS, and scores of a model and of a worse one before it."""
    rng = np.random.default_rng(0)
    truth = rng.integers(len(classes), size=count)
    ids = [hashlib.md5(bytes([i % 256, i // 256])).hexdigest() for i in range(count)]
    splits = pd.DataFrame({"image_id": sorted(ids)})
    splits["label"], splits["subclass"], splits["origin"] = np.asarray(classes, object)[truth], "", "real"
    splits["leak_group"] = splits.image_id
    splits["split"] = rng.choice(["train", "val", "test", "benchmark"], size=count)
    splits["benchmark_set"] = np.where(splits.split == "benchmark", "frozen", "")
    splits["reason_code"] = "hash_bucket"
    splits["fold"], splits["basis"], splits["reason"], splits["turn"], splits["small"] = (
        -1,
        "hash_bucket",
        "its bucket",
        0,
        False,
    )
    scores = []
    for noise in (1.0, 2.0):
        logits = (np.eye(len(classes))[truth] * 3 + rng.normal(size=(count, len(classes))) * noise).astype(np.float32)
        scores.append(Scored(splits.image_id.tolist(), classes, logits, logits.astype(np.float16)))
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
    frame = frame.assign(orientation=0, conflict="", relation="", same_pixels=False, marked_copy_of="")
    return frame.assign(scene=frame["leak_group"])


def selection_of(splits):
    frame = splits[["image_id", "benchmark_set", "label", "subclass", "origin", "leak_group", "turn", "small"]].copy()
    frame["original_label"], frame["source"], frame["state"], frame["decision"] = frame.label, "raw", "kept", ""
    frame["reason"] = frame["reason_code"] = ""
    frame.loc[3, ["state", "reason_code", "reason"]] = ["dropped", "unreadable", "unreadable: truncated"]
    return frame


def queue_of(splits, images, classes):
    frame = splits.head(30)[["image_id", "split", "label"]].copy()
    frame["path"], frame["predicted"], frame["suggested"] = images.path[:30], classes[1], classes[1]
    frame["confidence"], frame["kind"], frame["label_error"] = 0.8, "error", np.linspace(0, 0.9, 30)
    frame["cluster"] = np.arange(30) % 3 - 1
    frame["explanation"], frame["representative"] = "dog & cat <b>", False
    frame["rank"], frame["gain"], frame["map_x"], frame["map_y"] = np.arange(30), 1.0, 0.0, 0.0
    frame["nearest_correct"] = [[] for _ in range(30)]
    return frame


def reports(root, classes):
    folder = root / "reports/evaluate"
    folder.mkdir(parents=True)
    (root / "reports/train").mkdir()
    (root / "reports/train/history.csv").write_text(
        "epoch,lr,train_loss,train_accuracy,val_loss,val_accuracy\n1,0.1,1.2,0.4,1.1,0.5\n2,0.1,0.8,0.7,0.9,0.6\n"
    )
    ape, _, dog = classes
    answers = pd.DataFrame([(ape, ape), (ape, dog), (dog, dog)], columns=["actual", "predicted"])
    answers.to_csv(folder / "confusion.csv", index=False)
    head = ["set", "class", "precision", "recall", "f1", "support", "predicted"]
    rows = [("test", ape, 1, 0.5, 0.67, 2, 1), ("test", dog, 0.5, 1, 0.67, 1, 2)]
    pd.DataFrame(rows, columns=head).to_csv(folder / "per_class.csv", index=False)
    (folder / "reliability.csv").write_text("confidence,accuracy,images\n0.5,0.4,10\n0.9,0.95,20\n")
    (folder / "coverage.csv").write_text("threshold,coverage,precision\n0.9,0.3,1\n0.2,1,0.8\n")
    numbers = {"images": 40, "accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": 0.9, "ece": 0.03}
    change = {"images": 40, "better": 5, "worse": 2, "same": 33, "difference": 0.075, "p_value": 0.45}
    metrics = {"test": numbers, "benchmark": {"frozen": numbers}, "against_base": {"test": change}}
    metrics["baselines"] = {"majority": 0.3, "pixels": 0.6}
    metrics["breakdown"] = {"label_noise": 0.02, "bias": 0.01, "shift": {"frozen": 0.05}}
    metrics["out_of_scope"] = {"field": {"images": 10, "refused": 0.9, "auc_energy": 0.8}}
    (root / "reports/metrics.json").write_text(json.dumps(metrics))


def pool_of(splits):
    frame = pd.DataFrame({"image_id": splits.image_id[:4], "label": splits.label[:4], "source": "unlabelled"})
    frame["path"] = [f"data/unlabelled/{label} {number}.png" for number, label in enumerate(frame["label"])]
    for name in ("margin", "entropy", "energy", "blur", "brightness", "contrast"):
        frame[name] = 1.0
    frame["confidence"], frame["ood_score"] = [0.99, 0.95, 0.5, 0.2], [0.1, 0.2, 0.9, 0.99]
    frame["top_labels"] = [[label] for label in frame["label"]]
    frame["top_confidences"] = [[value] for value in frame["confidence"]]
    frame["near_duplicate_of"], frame["leak_group"], frame["error"], frame["embedding"] = "", frame.image_id, "", b""
    return frame
