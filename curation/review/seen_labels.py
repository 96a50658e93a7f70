"""The label that a person sees on an image: what a decision to keep it confirms."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curation.decisions.fold import fold
from curation.decisions.log import read_reviews

Seen = dict[str, tuple[str, str]]  # image_id -> label, sub-class


def seen_labels(dataset: Any, image_ids: Sequence[str], reviews: Path) -> Seen:
    """Label and sub-class that the dataset shows of some images; ("", "") where it shows none.

    The dataset shows labels after merges of classes. Where the log holds a finer one that is merged into it, that one
    is meant.
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
