"""Collections without pixels: frames IMAGES and DUPLICATES of any size, for the tests and benchmarks of selection."""

from hashlib import md5

import numpy as np
import pandas as pd
import pyarrow as pa

from curation.tables import DUPLICATES, IMAGES

DEFAULTS = {"source": "raw", "label": "a", "origin": "real", "format": "PNG", "width": 32, "height": 32, "bytes": 1000}


def image_id(name: object) -> str:
    """An id as a file's MD5 would be."""
    return md5(str(name).encode()).hexdigest()


def images(rows: list[dict[str, object]] | pd.DataFrame) -> pd.DataFrame:
    """IMAGES from rows that name only what matters; `name` gives the id and the path."""
    frame = pd.DataFrame(rows).reset_index(drop=True)
    names = frame["name"] if "name" in frame else pd.Series(range(len(frame)))
    frame["image_id"] = [image_id(name) for name in names]
    for field in IMAGES.schema:
        blank = _blank(field, len(frame))
        if field.name not in frame:
            frame[field.name] = blank
        else:  # rows need not name the same columns
            given = frame[field.name].astype("object").tolist()
            frame[field.name] = [
                other if isinstance(value, float) else value for value, other in zip(given, blank, strict=True)
            ]
    where = "data/" + frame["source"] + "/" + frame["label"] + "/" + names.astype(str).to_numpy() + ".png"
    frame["path"] = frame["path"].where(frame["path"] != "", where)
    return frame[IMAGES.columns]


def _blank(field: pa.Field, size: int) -> list[object]:
    if field.name in DEFAULTS:
        return [DEFAULTS[field.name]] * size
    blank = {pa.string(): "", pa.binary(): b"", pa.list_(pa.string()): [], pa.bool_(): False}
    return [blank.get(field.type, 0)] * size


def duplicates(
    frame: pd.DataFrame, twins: dict[str, str] | None = None, leaks: dict[str, str] | None = None
) -> pd.DataFrame:
    """DUPLICATES: twins maps an image_id to its keeper, leaks an image_id to the name of its group."""
    table = pd.DataFrame({"image_id": frame.loc[frame["error"] == "", "image_id"]})
    table["keeper"] = [(twins or {}).get(image, image) for image in table["image_id"]]
    table["distance"], table["similarity"], table["orientation"], table["conflict"] = 0, 1.0, 0, ""
    pairs = zip(table["image_id"], table["keeper"], strict=True)
    table["leak_group"] = [(leaks or {}).get(image, (leaks or {}).get(keeper, keeper)) for image, keeper in pairs]
    return table[DUPLICATES.columns].reset_index(drop=True)


def no_reviews() -> pd.DataFrame:
    """An empty log."""
    return reviews([])


def reviews(rows: list[dict[str, str]]) -> pd.DataFrame:
    """A log as `read_reviews` gives it."""
    columns = ["image_id", "decision", "label", "subclass", "reviewer", "decided_at", "model", "note"]
    frame = pd.DataFrame([{column: row.get(column, "") for column in columns} for row in rows], columns=columns).astype(
        "str"
    )
    frame.insert(0, "line", np.arange(2, len(rows) + 2))
    written = [f"2026-01-01T00:00:{second:02}" for second in range(len(rows))]  # the order of the rows is that of time
    frame["decided_at"] = frame["decided_at"].where(frame["decided_at"] != "", written)
    return frame
