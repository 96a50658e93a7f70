"""Choose which images a person should label next. `curate next` uses it.

The choice depends on the identified images, the labelled images, and the classes that need images. Two near-duplicates
are never proposed together, and neither is an image with a labelled near-duplicate. When there is no model yet,
`seed_images` chooses the first images from their thumbnails.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from curation.errors import CurationError
from curation.pool.acquisition import STRATEGIES, Pool, choose
from curation.pool.questions import guesses, in_scope, readable
from curation.predict.ood import Reals, unit, unpack
from curation.project.places import UNLABELLED
from curation.tables.codes import Source

FEW = 20  # labels a class below which typical images beat uncertain ones (Hacohen et al., 2022)
MOST = 50_000  # pool images that are considered; image_ids are random, so the first are a fair sample
MOST_LABELLED = 20_000
LEAST_GUESS = 0.1
SEED_WIDTH = 64
KNOWN = ("train", "val", "test", "reserve")


class ProposalError(CurationError):
    """The strategy does not exist, or there is nothing to choose from."""


def propose(
    table: pd.DataFrame,
    predictions: pd.DataFrame,
    count: int,
    strategy: str = "auto",
    wants: Mapping[str, int] | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Choose `count` rows of IDENTIFIED to label next, with the columns `strategy` and `wanted_for` added.

    `predictions` has the scores of the labelled images. `wants` maps a class to the number of proposals that should
    probably show it. These come first, and the rest comes from the whole pool. The strategy `auto` is typicality when
    there are fewer than 20 labels a class, and margin otherwise. Images that look foreign (OOD score) are never chosen.
    Raises ProposalError for an unknown strategy.
    """
    known = predictions[predictions.split.isin(KNOWN)].sort_values("image_id")
    name = _strategy(strategy, known)
    left = _one_of_each_group(in_scope(readable(table)))
    pool = _pool(left, known)
    taken: list[pd.DataFrame] = []
    for label, wish in [*(wants or {}).items(), ("", count)]:
        open_rows = np.flatnonzero(
            _may(left, label) & ~left.image_id.isin([i for part in taken for i in part.image_id])
        )
        share = min(wish, count - sum(map(len, taken)))
        rows = open_rows[choose(_part(pool, open_rows, taken), share, name, seed)]
        taken.append(left.iloc[rows].assign(strategy=name, wanted_for=label))
    return pd.concat(taken, ignore_index=True).head(count)


def seed_images(images: pd.DataFrame, duplicates: pd.DataFrame, count: int, seed: int = 0) -> pd.DataFrame:
    """Choose the first images to label, without a model: typical images by thumbnail. Returns rows of IMAGES.

    Raises ProposalError when the pool has no readable image.
    """
    pool = images[(images.source == Source.UNLABELLED) & (images.error == "")]
    groups = duplicates.set_index("image_id").leak_group.reindex(pool.image_id)
    pool = pool.assign(leak_group=np.where(groups.isna(), pool.image_id, groups)).sort_values("image_id")
    pool = pool.drop_duplicates("leak_group").head(MOST)
    if not len(pool):
        raise ProposalError(f"{UNLABELLED} has no readable images: add some and run `dvc repro dedupe`")
    vectors = _thumbnail_vectors(pool)
    nothing = np.ones((len(pool), 1), np.float32)
    bare = Pool(vectors, nothing, np.zeros((len(pool), 1), np.int64), vectors[:0])
    rows = choose(bare, count, "typicality", seed)
    return pool.iloc[rows].assign(strategy="seed").reset_index(drop=True)


def _strategy(name: str, known: pd.DataFrame) -> str:
    if name == "auto":
        classes = max(known.label.nunique(), 1)
        return "typicality" if len(known) < FEW * classes else "margin"
    if name not in STRATEGIES:
        raise ProposalError(f"there is no strategy `{name}`; choose one of auto, seed, {', '.join(STRATEGIES)}")
    return name


def _one_of_each_group(table: pd.DataFrame) -> pd.DataFrame:
    """Return the least sure image of every group of near-duplicates without a label, at most 50,000 of them."""
    alone = table[table.near_duplicate_of == ""].sort_values(["confidence", "image_id"]).drop_duplicates("leak_group")
    return alone.sort_values("image_id").head(MOST).reset_index(drop=True)


def _pool(left: pd.DataFrame, known: pd.DataFrame) -> Pool:
    width = max([len(names) for names in left.top_labels] or [1])
    names = sorted({name for row in left.top_labels for name in row})
    number = {name: index for index, name in enumerate(names)}
    probabilities = np.zeros((len(left), width), np.float32)
    classes = np.zeros((len(left), width), np.int64)
    for row, (labels, sure) in enumerate(zip(left.top_labels, left.top_confidences, strict=True)):
        probabilities[row, : len(sure)] = sure
        classes[row, : len(labels)] = [number[name] for name in labels]
    return Pool(unpack(left.embedding), probabilities, classes, unpack(known.head(MOST_LABELLED).embedding))


def _may(left: pd.DataFrame, label: str) -> npt.NDArray[np.bool_]:
    """Return which rows may show a class: it has a probability of at least 0.1. With no class, all rows."""
    if not label:
        return np.ones(len(left), dtype=bool)
    likely = guesses(left)
    likely = likely[(likely.label == label) & (likely.confidence >= LEAST_GUESS)]
    return np.asarray(left.image_id.isin(set(likely.image_id)), dtype=bool)


def _part(pool: Pool, rows: npt.NDArray[np.intp], taken: list[pd.DataFrame]) -> Pool:
    """Return some rows of a pool, with the images chosen before counted as labelled."""
    chosen = [unpack(part.embedding) for part in taken if len(part)]
    labelled = np.concatenate([pool.labelled, *chosen]) if chosen and len(pool.labelled) else pool.labelled
    return replace(
        pool,
        embeddings=pool.embeddings[rows],
        probabilities=pool.probabilities[rows],
        classes=pool.classes[rows],
        labelled=labelled if len(labelled) else np.zeros((0, pool.embeddings.shape[1]), np.float32),
    )


def _thumbnail_vectors(pool: pd.DataFrame) -> Reals:
    """Return unit vectors [n, up to 64] of the thumbnails: centred principal components of grey and colour."""
    from sklearn.decomposition import PCA

    from curation.images.image_measures import colours, thumbnails

    count = len(pool)
    grey = thumbnails(pool).reshape(count, -1).astype(np.float32) / 255
    tint = colours(pool).reshape(count, -1).astype(np.float32) / 255
    values = np.concatenate([grey - grey.mean(axis=1, keepdims=True), tint], axis=1)
    width = min(SEED_WIDTH, count, values.shape[1])
    return unit(PCA(width, random_state=0).fit_transform(values).astype(np.float32))
