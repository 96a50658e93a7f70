"""A project on real files (digits) with the tables that the stages before review would have written."""

from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_digits

from curation import tables
from factories.tables import duplicates, rows_of


@dataclass(frozen=True)
class ReviewProject:
    """Its folder and the tables in it."""

    root: Path
    images: pd.DataFrame
    predictions: pd.DataFrame
    errors: pd.DataFrame
    duplicates: pd.DataFrame


def make_project(root: Path, number: int) -> ReviewProject:
    """Write `number` digits and their tables under `root`; three quarters of them are in the queue."""
    images = _images(root, number)
    predictions = _predictions(images)
    errors = _errors(images, predictions)
    copies = duplicates(images)
    written = [(images, tables.IMAGES), (predictions, tables.PREDICTIONS), (errors, tables.ERRORS)]
    for frame, table in [*written, (copies, tables.DUPLICATES)]:
        tables.write(frame, root / "data" / f"{table.name}.parquet", table)
    (root / "data" / "reviews.csv").write_text("image_id,decision,label,subclass,reviewer,decided_at,model,note\n")
    (root / "params.yaml").write_text("review:\n  dataset: digits\n  blind: 0\n")
    (root / "dvc.yaml").touch()
    return ReviewProject(root, images, predictions, errors, copies)


def with_pairs(made: ReviewProject) -> ReviewProject:
    """The same project with two label conflicts, ranks 0 and 1 and ranks 2 and 3, and two probable marked copies.

    The marked copies are of the last image, and of rank 4; the copies are the two images before the last.
    """
    errors, copies = made.errors.sort_values("rank", ignore_index=True), made.duplicates.copy()
    ids, last = errors["image_id"].tolist(), made.images["image_id"].tolist()[-3:]
    errors["kind"] = errors["kind"].where(errors["kind"] != "conflict", "error")
    errors.loc[:3, "kind"] = "conflict"
    errors.loc[:3, "label"] = ["digit 0", "digit 1", "digit 2", "digit 3"]
    errors = errors.sort_values("image_id", ignore_index=True)
    copies = copies.set_index("image_id")
    copies.loc[[ids[1], ids[3]], "keeper"] = [ids[0], ids[2]]
    copies.loc[last[:2], "marked_copy_of"] = [last[2], ids[4]]
    copies = copies.reset_index()
    for frame, table in ((errors, tables.ERRORS), (copies, tables.DUPLICATES)):
        tables.write(frame, made.root / "data" / f"{table.name}.parquet", table)
    return ReviewProject(made.root, made.images, made.predictions, errors, copies)


def _images(root: Path, number: int) -> pd.DataFrame:
    digits = load_digits()
    rows = []
    for place in range(number):
        label = f"digit {digits.target[place]}"
        path = root / "data" / "raw" / label / f"{place:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digits.images[place] * 15.9).astype(np.uint8)).resize((64, 64), Image.Resampling.NEAREST).save(
            path
        )
        image_id = md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        rows.append({"image_id": image_id, "path": path.relative_to(root).as_posix(), "label": label, "place": place})
    frame = pd.DataFrame(rows).assign(source="raw", origin="real", width=64, height=64)
    return rows_of(tables.IMAGES, frame.drop(columns="place"))


def _predictions(images: pd.DataFrame) -> pd.DataFrame:
    number = len(images)
    rng = np.random.default_rng(0)
    frame = images[["image_id", "label"]].assign(split=np.where(np.arange(number) % 3, "train", "test"))
    wrong = np.arange(number) % 4 < 2
    frame["predicted"] = np.where(wrong, np.roll(frame["label"], 1), frame["label"])
    frame["confidence"] = rng.uniform(0.3, 1, number).astype(np.float32)
    frame["embedding"] = [rng.normal(size=16).astype("<f2").tobytes() for _ in range(number)]
    return rows_of(tables.PREDICTIONS, frame)


def _errors(images: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    number = len(images) * 3 // 4
    kinds = np.array(["error", "doubt", "label error", "conflict", "out of scope"])
    frame = images.head(number)[["image_id", "path", "label"]].copy()
    first = predictions.head(number)
    frame[["split", "predicted", "confidence"]] = first[["split", "predicted", "confidence"]].to_numpy()
    frame["confidence"] = frame["confidence"].astype(float)
    frame["suggested"] = frame["predicted"]
    frame["kind"] = kinds[np.arange(number) % 5]
    frame["label_error"] = np.linspace(1, 0, number)
    frame["cluster"] = np.arange(number) % 3 - 1
    frame["explanation"] = [f"cluster {c}: look-alikes" if c >= 0 else "" for c in frame["cluster"]]
    frame["rank"] = np.arange(number)
    frame["map_x"] = frame["map_y"] = np.linspace(0, 1, number)
    frame["nearest_correct"] = [list(images["image_id"].tail(2))] * number
    return rows_of(tables.ERRORS, frame)
