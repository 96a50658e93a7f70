"""Push rows into a FiftyOne dataset, keyed by `image_id`. Pushing the same rows twice changes nothing.

Only bulk calls are used (`add_samples`, `set_values`, `values`), because a loop over samples is fifty times slower.
Tags belong to the reviewers and are never written. An image that left the queue is removed, unless a tag on it still
waits for a pull.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from curation.review import brain, decision_tags, fields, layout
from curation.review import saved_views as views
from curation.review.queue_rows import fingerprint


@dataclass(frozen=True)
class Pushed:
    """The result of a push: the name of the dataset, and how many samples were added, refreshed and removed."""

    dataset: str
    samples: int
    added: int = 0
    refreshed: int = 0
    removed: int = 0
    views: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """True when the push changed anything."""
        return bool(self.added or self.refreshed or self.removed)


def push_rows(fo: Any, name: str, rows: pd.DataFrame, root: Path, info: dict[str, Any] | None = None) -> Pushed:
    """Make the dataset `name` hold exactly these rows.

    `rows` has at least the columns `image_id` and `path` (relative to `root`). `curation.review.fields` lists the
    columns with a meaning, and any other text, number or truth value becomes a field. The map and the similarity search
    use `embedding` (float16 bytes), `map_x` and `map_y`. `info` is kept in the `info` of the dataset, for the plugin.
    """
    rows = complete(rows)
    mark = {"curation_root": str(root), "curation_rows": fingerprint(rows), **(info or {})}
    dataset = fo.load_dataset(name) if fo.dataset_exists(name) else _create(fo, name)
    there = dict(zip(*dataset.values(["image_id", "id"]), strict=True))
    if all(dataset.info.get(key) == value for key, value in mark.items()) and set(rows["image_id"]) <= set(there):
        return Pushed(name, len(there), views=dataset.list_saved_views())
    fields.declare(fo, dataset, rows)
    removed = _remove(dataset, set(there) - set(rows["image_id"]))
    new = ~rows["image_id"].isin(list(there))
    dataset.add_samples(fields.samples(fo, rows[new], root), dynamic=False, validate=False, progress=False)
    fields.refresh(dataset, rows[~new], fields.columns(fo, rows[~new]), root)
    brain.index(dataset, rows)
    saved = views.save(fo, dataset, rows)
    layout.arrange(fo, dataset)
    dataset.info = {**dataset.info, **mark}
    dataset.save()
    return Pushed(name, dataset.count(), int(new.sum()), int((~new).sum()), removed, saved)


def complete(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each image, with all columns that the views and the plugin need."""
    rows = rows.drop_duplicates("image_id").reset_index(drop=True)
    defaults: dict[str, Any] = {"role": "queue", "decision": "", "rank": rows.index}
    rows = rows.assign(**{name: value for name, value in defaults.items() if name not in rows})
    if "marked" in rows:
        rows = rows.assign(pair_waiting=rows["marked"] & (rows["pair_decision"] == ""))
    return rows.assign(waiting=(rows["role"] == "queue") & (rows["decision"] == ""))


def _create(fo: Any, name: str) -> Any:
    dataset = fo.Dataset(name, persistent=True)
    dataset.add_sample_field("image_id", fo.StringField)
    dataset.create_index("image_id", unique=True)
    kinds = {"role": fo.StringField, "decision": fo.StringField, "rank": fo.IntField, "waiting": fo.BooleanField}
    for column, kind in kinds.items():
        dataset.add_sample_field(column, kind)
        dataset.create_index(column)
    return dataset


def _remove(dataset: Any, gone: set[str]) -> int:
    ids, held = dataset.values(["image_id", "tags"])
    idle = [
        one
        for one, given in zip(ids, held, strict=True)
        if one in gone and not any(map(decision_tags.parse, given or []))
    ]
    if idle:
        dataset.delete_samples(dataset.select_by("image_id", idle))
    return len(idle)
