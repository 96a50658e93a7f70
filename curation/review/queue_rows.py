"""The review queue as one table, before FiftyOne sees it: errors joined with scores, quality and earlier decisions.

These are pure functions on tables. A row is an image to show. The column `role` is `queue` for a row that waits for a
decision, `neighbour` for a correct image to compare with, and `pair` for an image that is only shown because it is
probably a marked copy of another. Paths stay relative; the push makes them absolute.

Two images that a person compares are partners. The column `partner` names the other one, and `pair_decision` is what
was decided on the two.
"""

import hashlib
import re
from pathlib import Path

import pandas as pd

from curation.images.collection.metadata_columns import HELD, column_names
from curation.images.collection.metadata_columns import column as values_of
from curation.tables.codes import Kind, Word

FROM_IMAGES = ["image_id", "path", "origin", "blur", "brightness", "contrast", "width", "height", *HELD]
FROM_PREDICTIONS = ["image_id", "subclass", "margin", "entropy", "embedding"]
LAYOUT = 3  # of fields and views: a higher number makes the next push renew what an older version pushed
NEIGHBOUR_FIELDS = ["image_id", "split", "label", "predicted", "confidence"]


def queue(
    errors: pd.DataFrame, predictions: pd.DataFrame, images: pd.DataFrame, duplicates: pd.DataFrame, limit: int
) -> pd.DataFrame:
    """Return the first `limit` errors by rank, the correct images nearest to them, and the probable marked copies.

    `errors`, `predictions`, `images` and `duplicates` are the tables ERRORS, PREDICTIONS, IMAGES and DUPLICATES. There
    is one row for each image: first the queue in its order, then the neighbours by image_id, then the other images of
    marked pairs. A pair in a label conflict is never cut, so there may be a few rows more than `limit`.
    """
    ranked = errors.sort_values(["rank", "image_id"], kind="stable", ignore_index=True)
    keeper = duplicates.set_index("image_id")["keeper"]
    clusters = ranked["image_id"].map(keeper).where(ranked["kind"] == Kind.CONFLICT, ranked["image_id"])
    clusters = clusters.fillna(ranked["image_id"])
    first = ranked.head(_whole_pairs(clusters.tolist(), limit)).drop(columns="path").assign(role="queue")
    first["partner"] = _other_label(first, clusters.head(len(first)))
    marked = _marked(duplicates)
    frame = pd.concat([first, _neighbours(first, predictions)], ignore_index=True)
    frame = _with_marked(frame, marked, predictions)
    frame = frame.merge(predictions[FROM_PREDICTIONS], on="image_id", how="left")
    return frame.merge(_with_metadata(images[FROM_IMAGES]), on="image_id", how="left")


def _with_metadata(images: pd.DataFrame) -> pd.DataFrame:
    """The images with a field `meta_NAME` for each column of the metadata that has a value; such names are plain."""
    told = images.drop(columns=HELD)
    for name in column_names(images):
        told["meta_" + re.sub(r"\W+", "_", name)] = values_of(images, name)
    return told


def _whole_pairs(clusters: list[str], limit: int) -> int:
    """The number of rows to take: `limit`, and those behind it that are of the last row's cluster."""
    size = min(limit, len(clusters))
    while 0 < size < len(clusters) and clusters[size] == clusters[size - 1]:
        size += 1
    return size


def _other_label(first: pd.DataFrame, clusters: pd.Series) -> list[str]:
    """For each row, the first image of its cluster that has another label; "" where there is none."""
    members: dict[str, list[tuple[str, str]]] = {}
    for cluster, one, label in zip(clusters, first["image_id"], first["label"], strict=True):
        members.setdefault(cluster, []).append((one, label))
    return [
        next((other for other, theirs in members[cluster] if theirs != label), "")
        for cluster, label in zip(clusters, first["label"], strict=True)
    ]


def unsettled(duplicates: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """DUPLICATES without the marked copies that people decided on. pairs: as `curation.decisions.fold.pairs` has it."""
    settled = {frozenset(pair) for pair in zip(pairs["first"], pairs["second"], strict=True)}
    rows = zip(duplicates["image_id"], duplicates["marked_copy_of"], strict=True)
    return duplicates.assign(marked_copy_of=["" if frozenset(row) in settled else row[1] for row in rows])


def _marked(duplicates: pd.DataFrame) -> list[tuple[str, str]]:
    """The probable marked copies: pairs (image_id, the picture that it repeats), by that picture."""
    rows = duplicates[duplicates["marked_copy_of"] != ""].sort_values(["marked_copy_of", "image_id"])
    return list(zip(rows["image_id"], rows["marked_copy_of"], strict=True))


def _with_marked(frame: pd.DataFrame, marked: list[tuple[str, str]], predictions: pd.DataFrame) -> pd.DataFrame:
    """Add the images of marked pairs that are not there yet, and name their partners; a conflict keeps its own."""
    partners: dict[str, str] = {}
    for copy, picture in marked:
        partners.setdefault(picture, copy)
        partners[copy] = picture
    order = list(dict.fromkeys(one for copy, picture in marked for one in (picture, copy)))
    place = {one: number for number, one in enumerate(order)}
    more = pd.DataFrame({"image_id": [one for one in order if one not in set(frame["image_id"])]}, dtype="str")
    more = more.merge(predictions[NEIGHBOUR_FIELDS], on="image_id", how="left").assign(role="pair", kind="marked copy")
    more = more.assign(cluster=-1, rank=len(frame) + more["image_id"].map(place).astype("int64"), partner="")
    for column in ("split", "label", "predicted"):
        more[column] = more[column].fillna("")
    out = pd.concat([frame, more], ignore_index=True) if len(more) else frame
    ids, own = out["image_id"].tolist(), out["partner"].fillna("").tolist()
    return out.assign(
        partner=[mine or partners.get(one, "") for one, mine in zip(ids, own, strict=True)],
        marked=[one in place and not mine for one, mine in zip(ids, own, strict=True)],
        pair_rank=[place.get(one, -1) for one in ids],
    )


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


def pairs_decided(frame: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """What was decided on each row and its partner, as the text of a tag. pairs: as `decisions.fold.pairs` has it."""
    said = {(first, second): copy for first, second, copy in pairs[["first", "second", "copy"]].itertuples(index=False)}
    found = []
    for one, partner in zip(frame["image_id"], frame["partner"], strict=True):
        copy = said.get((min(one, partner), max(one, partner))) if partner else None
        found.append("" if copy is None else f"{Word.COPY if copy else Word.NOT_COPY}:{partner}")
    return found


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
