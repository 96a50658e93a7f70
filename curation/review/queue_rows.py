"""The review queue as one table, before FiftyOne sees it: errors joined with scores, quality and earlier decisions.

These are pure functions on tables. A row is an image to show. The column `role` is `queue` for a row that waits for a
decision, and `neighbour` for a correct image to compare with. Paths stay relative; the push makes them absolute.
"""

import hashlib
from pathlib import Path

import pandas as pd

from curation.tables.codes import Word

FROM_IMAGES = ["image_id", "path", "origin", "blur", "brightness", "contrast", "width", "height"]
FROM_PREDICTIONS = ["image_id", "subclass", "margin", "entropy", "embedding"]
LAYOUT = 2  # of fields and views: a higher number makes the next push renew what an older version pushed
NEIGHBOUR_FIELDS = ["image_id", "split", "label", "predicted", "confidence"]


def queue(errors: pd.DataFrame, predictions: pd.DataFrame, images: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Return the first `limit` errors by rank and the correct images nearest to them, ready to be pushed.

    `errors`, `predictions` and `images` are the tables ERRORS, PREDICTIONS and IMAGES. There is one row for each image:
    first the queue in its order, then the neighbours by image_id.
    """
    first = errors.sort_values(["rank", "image_id"], kind="stable").head(limit)
    first = first.drop(columns="path").assign(role="queue")
    frame = pd.concat([first, _neighbours(first, predictions)], ignore_index=True)
    frame = frame.merge(predictions[FROM_PREDICTIONS], on="image_id", how="left")
    return frame.merge(images[FROM_IMAGES], on="image_id", how="left")


def _neighbours(first: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    wanted = {image_id for nearest in first["nearest_correct"] for image_id in nearest} - set(first["image_id"])
    found = predictions.loc[predictions["image_id"].isin(wanted), NEIGHBOUR_FIELDS]
    return found.sort_values("image_id").assign(role="neighbour", kind="right answer", cluster=-1, rank=-1)


def decided(folded: pd.DataFrame, model: str) -> dict[str, str]:
    """Return the decision on each image as the text of a tag: image_id -> `relabel:cat`, `keep`, `turn:90` ...

    `folded` is the log as `fold` returns it. A decision about the label holds for good. A decision about anything else
    (a turn, a benchmark) removes the image only from the queue of the `model` that it was made on, because the image
    may come back with another question.
    """
    held: dict[str, str] = {}
    columns = (folded[name].tolist() for name in ("image_id", "named", "label", "other", "other_model"))
    for image_id, named, label, other, made_on in zip(*columns, strict=True):
        if named:
            held[image_id] = f"{named}:{label}" if named == Word.RELABEL else named
        elif other and made_on == model:
            held[image_id] = other
    return held


def fingerprint(frame: pd.DataFrame) -> str:
    """Return an MD5 of all rows. Rows with the same MD5 need no second push."""
    digest = hashlib.md5(f"layout {LAYOUT}".encode(), usedforsecurity=False)
    for name in frame.columns:
        values = (value.tolist() if hasattr(value, "tolist") else value for value in frame[name].tolist())
        digest.update(repr((name, list(values))).encode())
    return digest.hexdigest()


def model_id(checkpoint: Path) -> str:
    """Return the first 12 digits of the MD5 of the checkpoint, which is its name in DVC; "" when there is none."""
    if not checkpoint.is_file():
        return ""
    with checkpoint.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()[:12]
