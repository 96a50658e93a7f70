"""The label that a person sees on an image, which a decision to keep the image confirms."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curation.decisions.fold import fold
from curation.decisions.log import read_reviews

Seen = dict[str, tuple[str, str]]  # image_id -> label, sub-class


def seen_labels(dataset: Any, image_ids: Sequence[str], reviews: Path) -> Seen:
    """Return the label and sub-class that the dataset shows for some images; ("", "") when it shows none.

    The dataset shows labels after the merges of classes. When the log holds a finer label that is merged into the shown
    one, the finer label is returned.
    """
    names = [
        name if dataset.has_sample_field(name.split(".")[0]) else "" for name in ("ground_truth.label", "subclass")
    ]
    wanted = set(image_ids)
    view = dataset.match({"image_id": {"$in": sorted(wanted)}})
    ids = view.values("image_id")
    columns = [view.values(name) if name else [None] * len(ids) for name in names]
    shown = {one: (label or "", sub or "") for one, label, sub in zip(ids, *columns, strict=True)}
    found = {one: shown.get(one, ("", "")) for one in image_ids}
    ends = dict(dataset.info.get("curation_merges", []))
    return _finer(found, reviews, ends) if ends else found


def _finer(found: Seen, reviews: Path, ends: Mapping[str, str]) -> Seen:
    held = fold(read_reviews(reviews))
    held = held[held["image_id"].isin(found) & (held["label"] != "")]
    rows = zip(held["image_id"], held["label"], held["subclass"], strict=True)
    same = {one: (label, sub) for one, label, sub in rows if ends.get(label, label) == found[one][0]}
    return found | same
