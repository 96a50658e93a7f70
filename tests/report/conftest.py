"""A whole round on disk, with real small pictures and any class names."""

import json

import numpy as np
import pandas as pd
import pytest
from factories import rounds
from factories import tables as made
from PIL import Image

from curation import tables
from curation.evaluation.prediction_table import write_predictions
from curation.predict.calibration import Calibration
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
    splits, scored, base, _ = rounds.make(count, classes=classes)
    splits["leak_group"] = splits["image_id"]
    images, duplicates = rounds.images(splits), rounds.duplicates(splits)
    images.loc[3, "error"] = "truncated"
    pair = [duplicates.image_id[6], 3, 4, f"<{classes[0]}>"]
    duplicates.loc[5, ["keeper", "distance", "orientation", "conflict"]] = pair
    made.write(root, tables.IMAGES, images)
    made.write(root, tables.DUPLICATES, duplicates)
    made.write(root, tables.SPLITS, splits)
    made.write(root, tables.SELECTION, selection_of(splits))
    val = (splits.split == "val").to_numpy()
    calibration = Calibration.fit(
        scored.logits[val], np.array([classes.index(label) for label in splits.label[val]]), classes=classes
    )
    calibration.write(root / "data/calibration.json")
    write_predictions(root / "data/predictions.parquet", splits, (scored, base), calibration)
    made.write(root, tables.ERRORS, queue_of(splits, images, classes))
    made.write(root, tables.IDENTIFIED, pool_of(splits))
    reports(root, classes)


def selection_of(splits):
    frame = made.selection(splits[["image_id", "benchmark_set", "label", "origin", "leak_group"]].copy())
    frame["original_label"], frame["reason_code"] = frame["label"], ""
    frame.loc[3, ["state", "reason_code", "reason"]] = ["dropped", "unreadable", "unreadable: truncated"]
    return frame


def queue_of(splits, images, classes):
    frame = splits.head(30)[["image_id", "split", "label"]].assign(path=images.path[:30])
    frame["label_error"], frame["cluster"], frame["rank"] = np.linspace(0, 0.9, 30), np.arange(30) % 3 - 1, range(30)
    known = {"predicted": classes[1], "suggested": classes[1], "confidence": 0.8, "kind": "error", "gain": 1.0}
    return made.rows_of(tables.ERRORS, frame, explanation="dog & cat <b>", **known)


def pool_of(splits):
    labels = splits.label[:4]
    rows = [
        {"image_id": one, "path": f"data/unlabelled/{label} {number}.png", "label": label, "leak_group": one}
        | {"confidence": sure, "out_of_scope": foreign, "top_labels": [label], "top_confidences": [sure]}
        | dict.fromkeys(("margin", "entropy", "energy", "blur", "brightness", "contrast"), 1.0)
        for number, (one, label, sure, foreign) in enumerate(
            zip(splits.image_id, labels, [0.99, 0.95, 0.5, 0.2], [0.1, 0.2, 0.9, 0.99], strict=False)
        )
    ]
    return made.identified(*rows)


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
    metrics["breakdown"] = {
        "label_noise": 0.02,
        "bias": 0.01,
        "bias_low": 0.0,
        "bias_high": 0.03,
        "shift": {"frozen": 0.05},
        "shift_low": {"frozen": 0.01},
        "shift_high": {"frozen": 0.09},
    }
    metrics["out_of_scope"] = {"field": {"images": 10, "refused": 0.9, "auc_energy": 0.8}}
    (root / "reports/metrics.json").write_text(json.dumps(metrics))
