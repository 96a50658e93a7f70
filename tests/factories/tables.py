"""Rows of the project's tables, one function a table: a test names what matters, the rest has a valid value.

`rows` is a number of rows, a list of dictionaries or a frame; columns given by name hold for every row. An image has
the id that its row names, or the MD5 of its `name`, or of its place.
"""

from collections.abc import Mapping, Sequence
from hashlib import md5
from pathlib import Path

import pandas as pd

from curation import tables
from curation.tables import Table

Rows = int | pd.DataFrame | Sequence[Mapping[str, object]]
BLANK = {"string": "", "binary": b"", "bool": False}


def image_id(name: object) -> str:
    """An id as the MD5 of a file would be."""
    return md5(str(name).encode()).hexdigest()


def rows_of(table: Table, rows: Rows, values: Mapping[str, object] | None = None, **columns: object) -> pd.DataFrame:
    """A frame of `table`: what rows and columns say, else `values`, else a blank or the first code; no other keys."""
    blank = {field.name: _blank(str(field.type)) for field in table.schema}
    blank |= first_codes(table) | dict(values or {})
    given = rows if isinstance(rows, pd.DataFrame) else _frame(rows, blank)
    frame = given.assign(**columns)
    if "image_id" not in frame:
        frame["image_id"] = [image_id(name) for name in _names(frame)]
    for name in set(table.columns) - set(frame.columns):
        frame[name] = [blank[name]] * len(frame)
    return frame[table.columns]


def first_codes(table: Table) -> dict[str, object]:
    """The first code of each column of codes."""
    return {column: next(iter(codes)).value for column, codes in table.codes.items()}


def write(root: Path, table: Table, rows: Rows, **columns: object) -> pd.DataFrame:
    """Write `rows_of(table, ...)` where a project at `root` keeps it, and give it."""
    frame = rows_of(table, rows, **columns)
    tables.write(frame, root / "data" / f"{table.name}.parquet", table)
    return frame


def images(rows: Rows, **columns: object) -> pd.DataFrame:
    """IMAGES: real PNG files of 32 pixels in data/raw/a, named after their `name`."""
    known = {"source": "raw", "label": "a", "origin": "real", "format": "PNG", "width": 32, "height": 32, "bytes": 1000}
    names = _names(rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(_listed(rows)))
    frame = rows_of(tables.IMAGES, rows, known, **columns)
    where = [
        f"data/{source}/{label}/{name}.png"
        for source, label, name in zip(frame["source"], frame["label"], names, strict=True)
    ]
    return frame.assign(path=frame["path"].where(frame["path"] != "", where))


def duplicates(
    images: pd.DataFrame, copies: Mapping[str, str] | None = None, leaks: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """DUPLICATES of the readable images: `copies` maps an image to its keeper, `leaks` an image to its leak group."""
    readable = images[images["error"] == ""] if "error" in images else images
    keepers = [(copies or {}).get(image, image) for image in readable["image_id"]]
    pairs = zip(readable["image_id"], keepers, strict=True)
    groups = [(leaks or {}).get(image, (leaks or {}).get(keeper, keeper)) for image, keeper in pairs]
    frame = pd.DataFrame({"image_id": readable["image_id"], "keeper": keepers, "leak_group": groups, "scene": groups})
    frame["relation"] = [
        "copy" if one != keeper else "" for one, keeper in zip(readable["image_id"], keepers, strict=True)
    ]
    return rows_of(tables.DUPLICATES, frame.reset_index(drop=True), {"similarity": 1.0})


def selection(rows: Rows, **columns: object) -> pd.DataFrame:
    """SELECTION: real images of data/raw that are kept."""
    return rows_of(tables.SELECTION, rows, {"source": "raw", "origin": "real", "state": "kept"}, **columns)


def splits(rows: Rows, **columns: object) -> pd.DataFrame:
    """SPLITS: real images that were drawn, and are in no fold."""
    known = {
        "origin": "real",
        "split": "train",
        "fold": -1,
        "basis": "hash_bucket",
        "reason_code": "hash_bucket",
        "reason": "bucket",
    }
    return rows_of(tables.SPLITS, rows, known, **columns)


def predictions(rows: Rows, **columns: object) -> pd.DataFrame:
    """PREDICTIONS of the split train, half sure."""
    known = {name: 0.5 for name, kind in zip(*_fields(tables.PREDICTIONS), strict=True) if kind == "float"}
    return rows_of(tables.PREDICTIONS, rows, {"split": "train", **known}, **columns)


def identified(*rows: Mapping[str, object]) -> pd.DataFrame:
    """IDENTIFIED: pool images named in order of their places, red by nine chances in ten."""
    full = []
    for place, row in enumerate(rows):
        name = row.get("image_id", f"{place:032x}")
        label, sure = row.get("label", "red"), row.get("confidence", 0.9)
        facts = {"image_id": name, "path": f"data/unlabelled/{name}.png", "source": "unlabelled", "leak_group": name}
        answer = {"label": label, "confidence": sure, "top_labels": [label], "top_confidences": [sure]}
        full.append({**facts, **answer, "ood_score": 0.9, "embedding": bytes(8), **row})
    return rows_of(tables.IDENTIFIED, full)


def _listed(rows: int | Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    return [{} for _ in range(rows)] if isinstance(rows, int) else list(rows)


def _frame(rows: int | Sequence[Mapping[str, object]], blank: Mapping[str, object]) -> pd.DataFrame:
    """A frame of rows that need not name the same columns."""
    listed = _listed(rows)
    named = sorted({key for row in listed for key in row})
    columns = {name: pd.Series([row.get(name, blank.get(name)) for row in listed]) for name in named}
    return pd.DataFrame(columns, index=range(len(listed)))


def _names(frame: pd.DataFrame) -> list[object]:
    return frame["name"].tolist() if "name" in frame else list(range(len(frame)))


def _fields(table: Table) -> tuple[list[str], list[str]]:
    return table.columns, [str(kind) for kind in table.schema.types]


def _blank(kind: str) -> object:
    return [] if kind.startswith("list") else BLANK.get(kind, 0)
