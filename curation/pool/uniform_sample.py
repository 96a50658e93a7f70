"""Draw images uniformly at random, by hash: the sample of the pool that test, val and audits need.

What a model proposes says nothing about the images that it did not propose. A uniform sample does: each picture has the
same chance, whatever any model says of it. The images with the lowest hash buckets are drawn, so the same images and
seed give the same sample, and a larger sample holds the smaller one. This is bottom-k sampling (Cohen and Kaplan 2007).
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.errors import CurationError
from curation.project.places import UNLABELLED
from curation.selection.hash_buckets import buckets
from curation.tables.codes import Source


class SampleError(CurationError):
    """There is nothing to draw from."""


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
