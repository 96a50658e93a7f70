"""The review queue: which images are in it, how they are grouped and explained, and their order.

The queue holds every error, doubt, conflict and probable label error; the stage `cluster` makes it. Train images are in
it too: a model that overfitted to a wrong label makes no error on it, and only the out-of-sample evidence of
label_errors shows it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation.label_errors import label_error_probability
from curation.evaluation.label_errors.cross_training import stacked
from curation.evaluation.label_errors.pred_probs import Reals, Samples
from curation.evaluation.neighbours import nearest, unit
from curation.evaluation.queue import error_clusters
from curation.evaluation.queue.cluster_explanation import Cluster, explanations
from curation.images.image_measures import colours, thumbnails
from curation.params import Params
from curation.tables import ERRORS
from curation.tables.codes import LABELLED_SPLITS, PROBABLE, Kind, Split

GAIN_OF_ERROR, GAIN_OF_DOUBT = 0.02, 0.01  # wrong labels corrected by the review of one image whose label is right
SHOWN_CORRECT = 3
COLUMNS = {  # what is read of each table
    "predictions": ["image_id", "split", "label", "subclass", "predicted", "confidence", "loss", "embedding"],
    "images": ["image_id", "path", "origin", "width", "height", "blur", "brightness", "contrast", "thumbnail"],
    "duplicates": ["image_id", "keeper", "conflict"],
    "splits": ["image_id", "leak_group"],
}
COMPONENTS = 64  # dimensions for neighbours and folds

Nearest = tuple[list[list[str]], NDArray[np.floating]]


@dataclass(frozen=True)
class Inputs:
    """The tables that the queue is made from."""

    predictions: pd.DataFrame
    images: pd.DataFrame
    duplicates: pd.DataFrame
    splits: pd.DataFrame
    cross: pd.DataFrame | None = None


def review_queue(inputs: Inputs, params: Params) -> pd.DataFrame:
    """Make ERRORS from the tables of the round."""
    frame = assemble(inputs)
    vectors = embeddings(frame["embedding"])
    frame = frame.drop(columns="embedding")
    reduced = error_clusters.reduce(unit(vectors), COMPONENTS, params.seed)
    frame = judge_labels(frame, reduced, inputs.cross, params.seed)
    frame["kind"] = kinds(frame, params.cluster.doubt_below)
    unnamed = (frame["kind"] == Kind.CONFLICT) & (frame["suggested"] == "")
    frame.loc[unnamed, "suggested"] = frame.loc[unnamed, "conflict"].str.split(" / ").str[0]
    rows = np.flatnonzero(frame["kind"] != "")
    queue = frame.iloc[rows].reset_index(drop=True)
    queue["taken"] = queue["predicted"].where(
        ~queue["kind"].isin([Kind.LABEL_ERROR, Kind.CONFLICT]), queue["suggested"]
    )
    points, stable = group(queue, unit(vectors[rows]), params)
    queue["map_x"], queue["map_y"] = points[:, 0], points[:, 1] if points.shape[1] > 1 else np.float32(0)
    shown, queue["distance"] = nearest_correct(frame, unit(reduced), rows)
    queue["nearest_correct"] = pd.Series(shown, index=queue.index, dtype=object)
    right = frame[(frame["label"] == frame["predicted"]) & (frame["kind"] == "")]
    described = explanations(queue, points, right, stable)
    return order(queue, described)[ERRORS.columns]


def group(queue: pd.DataFrame, vectors: NDArray[np.float32], params: Params) -> tuple[Reals, dict[int, float]]:
    """Add the column `cluster` to the queue; returns its points [n, d], and the stability of each cluster."""
    points = error_clusters.reduce(vectors, params.cluster.components, params.seed)
    codes = pd.factorize(pd.concat([queue["label"], queue["taken"]]), sort=True)[0]
    usual = error_clusters.usual_distance(points, params.seed)
    apart = error_clusters.with_pairs(points, [codes[: len(queue)], codes[len(queue) :]], error_clusters.APART * usual)
    how = error_clusters.least_size(len(queue), params.cluster.min_cluster_size), error_clusters.NEAR * usual
    queue["cluster"] = error_clusters.cluster(apart, *how)
    return points, error_clusters.stability(apart, queue["cluster"].to_numpy(), *how, params.seed)


def assemble(inputs: Inputs) -> pd.DataFrame:
    """One row for each prediction, with columns of IMAGES, DUPLICATES and SPLITS, sorted by image_id."""
    frame = inputs.predictions[COLUMNS["predictions"]]
    for name in ("images", "duplicates", "splits"):
        frame = frame.merge(getattr(inputs, name)[COLUMNS[name]], "left", "image_id")
    frame = frame.sort_values("image_id", kind="stable", ignore_index=True)
    frame["conflict"] = frame["conflict"].fillna("")
    frame["keeper"] = frame["keeper"].fillna(frame["image_id"])
    own = frame["leak_group"].where(frame["leak_group"].fillna("") != "", frame["image_id"])
    crowded = own.groupby(own).transform("size") > 1
    size = np.sqrt(frame["width"].astype(float) * frame["height"])
    return frame.assign(leak_group=own, crowded=crowded, size=size)


def embeddings(column: "pd.Series[bytes]") -> NDArray[np.float32]:
    """Embeddings float32 [n, d] from a column of little-endian float16 bytes."""
    if not len(column):
        return np.zeros((0, 1), np.float32)
    flat = np.frombuffer(b"".join(column), dtype="<f2")
    return flat.reshape(len(column), -1).astype(np.float32)


def judge_labels(
    frame: pd.DataFrame, vectors: NDArray[np.float32], cross: pd.DataFrame | None, seed: int
) -> pd.DataFrame:
    """Add `label_error` (a probability) and `suggested` for the labelled images. cross: the table CROSS_TRAINED."""
    known = frame["split"].isin(LABELLED_SPLITS) & frame["loss"].notna()
    out = frame.drop(columns="thumbnail").assign(label_error=np.float32(0), suggested="")
    rows = np.flatnonzero(known)
    labels, names = pd.factorize(frame["label"].iloc[rows], sort=True)
    if len(names) < 2:
        return out
    part = frame.iloc[rows]
    groups = pd.factorize(part["leak_group"])[0]
    pictures = error_clusters.reduce(as_vectors(part[["thumbnail"]]), COMPONENTS, seed)
    stored = None if cross is None else stacked(cross, part["image_id"], len(names))
    samples = Samples(vectors[rows], pictures, labels, groups, len(names), seed, stored)
    found = label_error_probability.verdicts(
        samples,
        (part["split"] == Split.TRAIN).to_numpy(),
        conflicting(part["conflict"], names),
        (part["split"] == Split.CONFLICT).to_numpy(),
    )
    out.loc[rows, "label_error"] = found.wrong.astype(np.float32)
    out.loc[rows, "suggested"] = np.asarray(names, dtype=object)[found.suggested]
    return out


def as_vectors(frame: pd.DataFrame) -> NDArray[np.float32]:
    """Thumbnails of the column `thumbnail` as vectors [n, 384]: grey at 16 x 16, and colours at 8 x 8."""
    grey = thumbnails(frame).reshape(-1, 16, 2, 16, 2).mean(axis=(2, 4), dtype=np.float32)
    flat = [grey.reshape(len(frame), -1), colours(frame).reshape(len(frame), -1).astype(np.float32)]
    return np.asarray(np.concatenate(flat, axis=1) / 255, np.float32)


def conflicting(column: "pd.Series[str]", names: "pd.Index[str]") -> NDArray[np.int64]:
    """Code int [n] of the first other label of a copy that is a class; -1 without one."""
    known = {str(name): code for code, name in enumerate(names)}
    first = (next((known[name] for name in text.split(" / ") if name in known), -1) for text in column)
    return np.fromiter(first, np.int64, len(column))


def kinds(frame: pd.DataFrame, doubt_below: float) -> NDArray[np.object_]:
    """Why an image is in the queue; "" when it is not."""
    labelled = frame["split"].isin(LABELLED_SPLITS)
    known = labelled & frame["loss"].notna()
    wrong = known & (frame["label"] != frame["predicted"])
    choices = [
        frame["split"] == Split.CONFLICT,
        known & (frame["label_error"] >= PROBABLE),
        known & (frame["conflict"] != ""),
        wrong,
        labelled & ~known & (frame["confidence"] >= doubt_below),
        known & (frame["confidence"] < doubt_below),
    ]
    names = [Kind.CONFLICT, Kind.LABEL_ERROR, Kind.CONFLICT, Kind.ERROR, Kind.OUT_OF_SCOPE, Kind.DOUBT]
    return np.select(list(map(np.asarray, choices)), [kind.value for kind in names], "").astype(object)


def nearest_correct(frame: pd.DataFrame, vectors: NDArray[np.float32], queue_rows: NDArray[np.int64]) -> Nearest:
    """For every image of the queue: ids of the nearest correct images, and the cosine distance of the first."""
    right = (frame["label"] == frame["predicted"]) & (frame["kind"] == "")
    rows = np.flatnonzero(right)
    if not len(rows):
        return [[] for _ in queue_rows], np.full(len(queue_rows), np.nan)
    ids = frame["image_id"].to_numpy()[rows]
    found = nearest(vectors[queue_rows], vectors[rows], SHOWN_CORRECT)
    return [[str(ids[row]) for row in line if row >= 0] for line in found.rows], 1 - found.similarity[:, 0]


def order(queue: pd.DataFrame, described: list[Cluster]) -> pd.DataFrame:
    """Add explanation, representative, gain and rank; the largest expected gain has rank 0.

    Copies in conflict have the rank of the one with the largest gain and the ranks after it, so that they stand side by
    side.
    """
    words = {item.number: item.words for item in described}
    shown = {row for item in described for row in item.representatives}
    queue["explanation"] = [words[number] for number in queue["cluster"]]
    queue["representative"] = [row in shown for row in range(len(queue))]
    queue["gain"] = gains(queue).astype(np.float32)
    together = queue["keeper"].where(queue["kind"] == Kind.CONFLICT, queue["image_id"])
    keys = queue.assign(together=together, first=queue.groupby(together)["gain"].transform("max"))
    by = ["first", "together", "gain", "image_id"]
    ranked = keys.sort_values(by, ascending=[False, True, False, True], kind="stable").index
    queue.loc[ranked, "rank"] = np.arange(len(queue), dtype=np.int32)
    return queue


def gains(queue: pd.DataFrame) -> "pd.Series[float]":
    """Expected gain of reviewing an image, in wrong labels corrected.

    A label that is probably wrong gains its probability. An error or a doubt whose label is right gains little. It
    gains more in a larger cluster, because one image tells something about all of them.
    """
    sizes = queue.groupby("cluster")["cluster"].transform("size").where(queue["cluster"] >= 0, 1)
    weight = queue["kind"].map({Kind.DOUBT.value: GAIN_OF_DOUBT}).fillna(GAIN_OF_ERROR)
    shared = weight * (1 + np.log(sizes) / np.log(len(queue) + 1)) / 2
    return pd.Series(queue["label_error"] + (1 - queue["label_error"]) * shared)
