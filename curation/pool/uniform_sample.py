"""Draw images uniformly at random, by hash: the sample of the pool that test, val and audits need.

What a model proposes says nothing about the images that it did not propose. A uniform sample does: each picture has the
same chance, whatever any model says of it. The images with the lowest hash buckets are drawn, so the same images and
seed give the same sample, and a larger sample holds the smaller one. This is bottom-k sampling (Cohen and Kaplan 2007).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.decisions.fold import fold
from curation.errors import CurationError
from curation.project.places import UNLABELLED
from curation.selection.hash_buckets import buckets
from curation.tables.codes import Sampled, Source, Word


class SampleError(CurationError):
    """There is nothing to draw from."""


@dataclass(frozen=True)
class PoolSample:
    """Rows of IMAGES that were drawn, of how many pictures, and how many images of the pool were labelled before."""

    rows: pd.DataFrame
    pictures: int
    chosen_before: int


def sample_pool(
    images: pd.DataFrame, duplicates: pd.DataFrame, reviews: pd.DataFrame, count: int, seed: int = 0
) -> PoolSample:
    """Draw `count` pictures of the pool that nobody has labelled and that were not drawn before.

    images: image_id, path, source, label, error of IMAGES. duplicates: image_id, keeper of DUPLICATES. reviews: the log
    as `read_reviews` gives it. Raises SampleError when there is nothing to draw from.
    """
    held = fold(reviews)
    drawn = held["sampled"] == Sampled.UNIFORM
    left = open_pictures(images, duplicates, set(held.loc[_settled(held) | drawn, "image_id"]))
    pool = images.loc[images["source"] == Source.UNLABELLED, "image_id"]
    named = _settled(held) & (held["sampled"] == "") & held["image_id"].isin(pool)
    before = int((named | (held["sampled"] == Sampled.MODEL)).sum())
    return PoolSample(left.iloc[draw(left["image_id"], count, seed)].reset_index(drop=True), len(left), before)


def drawn_and_open(images: pd.DataFrame, reviews: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of IMAGES that were drawn before and that nobody has labelled yet, by image_id."""
    held = fold(reviews)
    waiting = held.loc[(held["sampled"] == Sampled.UNIFORM) & ~_settled(held), "image_id"]
    rows = images[(images["source"] == Source.UNLABELLED) & images["image_id"].isin(set(waiting))]
    return rows.sort_values("image_id", ignore_index=True)


def _settled(held: pd.DataFrame) -> "pd.Series[bool]":
    """Which images of the folded log a person has named, removed, found unknown, or put into a benchmark."""
    kept_bare = (held["named"] == Word.KEEP) & (held["label"] == "")
    return ((held["named"] != "") & ~kept_bare) | (held["benchmark_set"] != "")


def draw(image_ids: "pd.Series | pd.Index", count: int, seed: int = 0) -> NDArray[np.int64]:
    """Draw `count` of n images without replacement, each with the same chance: rows int64, in the order drawn.

    image_ids: [n], without repetition. All n rows are returned where `count` is larger.

    >>> draw(pd.Index(["a", "b", "c"]), 2).tolist() == draw(pd.Index(["a", "b", "c"]), 3).tolist()[:2]
    True
    """
    return np.argsort(buckets(image_ids, f"uniform sample {seed}"), kind="stable")[:count]


def one_of_each(rows: pd.DataFrame, clusters: pd.Series) -> pd.DataFrame:
    """Return the row with the lowest image_id of each cluster, by image_id, so that copies count once.

    clusters: the name of the cluster of each row, with the index of `rows`; an image alone has its own image_id.
    """
    ordered = rows.assign(_cluster=clusters).sort_values("image_id", kind="stable")
    return ordered.drop_duplicates("_cluster").drop(columns="_cluster").reset_index(drop=True)


def open_pictures(images: pd.DataFrame, duplicates: pd.DataFrame, settled: set[str]) -> pd.DataFrame:
    """Return the pictures of the pool that nobody has labelled: rows of IMAGES, one for each cluster of copies.

    images: image_id, source, label, error of IMAGES. duplicates: image_id, keeper of DUPLICATES. settled: the images
    that are labelled by a decision, were removed, or are drawn already.
    A picture is left out when one of its copies is labelled or settled, in the pool or elsewhere.
    Raises SampleError when no picture is left.
    """
    keepers = duplicates.set_index("image_id")["keeper"].reindex(images["image_id"])
    cluster = pd.Series(keepers.fillna(images.set_index("image_id").index.to_series()).to_numpy(), index=images.index)
    in_pool = (images["source"] == Source.UNLABELLED) & (images["label"] == "")
    taken = ~in_pool | images["image_id"].isin(settled)
    left = in_pool & (images["error"] == "") & ~cluster.isin(set(cluster[taken]))
    if not left.any():
        raise SampleError(f"{UNLABELLED} has no picture that nobody has labelled: add some and run `dvc repro dedupe`")
    return one_of_each(images[left], cluster[left])
