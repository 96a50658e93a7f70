"""Turn columns into FiftyOne fields, in bulk.

`label`, `predicted` and `suggested` become the classifications `ground_truth`, `prediction` and `suggestion`, so that
the App can colour, filter and compare them. Every other plain column becomes a field with its own name.
"""

from pathlib import Path
from typing import Any

import pandas as pd

LABELS = {  # field: (column of the label, column of its confidence)
    "ground_truth": ("label", None),
    "prediction": ("predicted", "confidence"),
    "suggestion": ("suggested", "label_error"),
}
NOT_FIELDS = {"path", "label", "predicted", "suggested", "embedding", "map_x", "map_y", "width", "height"}


def plain(rows: pd.DataFrame) -> list[str]:
    """Return the columns that become fields with their own name."""
    return [name for name in rows.columns if name not in NOT_FIELDS]


def declare(fo: Any, dataset: Any, rows: pd.DataFrame) -> None:
    """Add the fields that the dataset lacks, or that it has with another type because an older version made them."""
    have = dataset.get_field_schema()
    for name, (column, _) in LABELS.items():
        if column in rows and name not in have:
            dataset.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    for name in plain(rows):
        kind, more = _kind(fo, rows[name])
        if name in have and not isinstance(have[name], kind):
            dataset.delete_sample_field(name)
        if name not in have or not isinstance(have[name], kind):
            dataset.add_sample_field(name, kind, **more)


def _kind(fo: Any, values: pd.Series) -> tuple[type, dict[str, Any]]:
    """Return the type of the field, from the values that exist: pandas keeps a column with gaps as objects."""
    found = pd.api.types.infer_dtype(values.tolist(), skipna=True)
    kinds = {"boolean": fo.BooleanField, "integer": fo.IntField, "string": fo.StringField}
    if found in {"floating", "mixed-integer-float"}:
        return fo.FloatField, {}
    if found in kinds:
        return kinds[found], {}
    lists = any(hasattr(value, "__len__") and not isinstance(value, str) for value in values)
    return (fo.ListField, {"subfield": fo.StringField}) if lists else (fo.StringField, {})


def columns(fo: Any, rows: pd.DataFrame) -> dict[str, list[Any]]:
    """Return field name -> its values in the order of the rows; None where a row has no value."""
    made: dict[str, list[Any]] = {
        name: _labels(fo, rows, column, confidence) for name, (column, confidence) in LABELS.items() if column in rows
    }
    made.update({name: [_value(value) for value in rows[name].tolist()] for name in plain(rows)})
    return made


def _labels(fo: Any, rows: pd.DataFrame, column: str, confidence: str | None) -> list[Any]:
    sure = rows[confidence].tolist() if confidence in rows else [None] * len(rows)
    return [
        fo.Classification(label=text, confidence=_value(number)) if isinstance(text, str) and text else None
        for text, number in zip(rows[column].tolist(), sure, strict=True)
    ]


def _value(value: Any) -> Any:
    """Return a plain Python value: a list for an array, None for NaN."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124 - NaN


def samples(fo: Any, rows: pd.DataFrame, root: Path) -> list[Any]:
    """Return one new sample for each row; `root` makes its path absolute."""
    values = columns(fo, rows)
    paths = [str(root / path) for path in rows["path"].tolist()]
    made = [
        fo.Sample(filepath=path, **dict(zip(values, row, strict=True)))
        for path, row in zip(paths, zip(*values.values(), strict=True), strict=True)
    ]
    for sample, size in zip(made, _sizes(fo, rows), strict=True):
        sample.metadata = size
    return made


def _sizes(fo: Any, rows: pd.DataFrame) -> list[Any]:
    """Return the image sizes that ingest measured, so that the App need not open every file for its grid."""
    if not {"width", "height"} <= set(rows.columns):
        return [None] * len(rows)
    pairs = zip(rows["width"].tolist(), rows["height"].tolist(), strict=True)
    return [fo.ImageMetadata(width=int(w), height=int(h)) if w == w and h == h else None for w, h in pairs]  # noqa: PLR0124 - NaN


def refresh(dataset: Any, rows: pd.DataFrame, wanted: dict[str, list[Any]], root: Path) -> None:
    """Update the existing samples where they differ from these rows. Their tags stay.

    `wanted` is the result of `columns`. Values are compared first, because reading a field costs a twentieth of writing
    it.
    """
    if rows.empty:
        return
    ids = rows["image_id"].tolist()
    places = dict(zip(ids, range(len(ids)), strict=True))
    wanted = {**wanted, "filepath": [str(root / path) for path in rows["path"].tolist()]}
    for name, values in wanted.items():
        known, found = dataset.values(["image_id", name])
        mine = {one: old for one, old in zip(known, found, strict=True) if one in places}
        changed = {one: values[places[one]] for one, old in mine.items() if _differs(old, values[places[one]])}
        if changed:
            dataset.set_values(name, changed, key_field="image_id")


def _differs(old: Any, new: Any) -> bool:
    """Return True when two values of a field differ. Labels are compared by their text, because each has its own id."""
    if old is None or new is None or not hasattr(new, "label"):
        return bool(old != new)
    return bool((old.label, old.confidence) != (new.label, new.confidence))
