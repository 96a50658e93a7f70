"""Cross-trained pred_probs: predictions by models that were not trained on the image. Made on request.

For each fold of train (whole leak groups, column `fold` of SPLITS) one more model is trained, as the candidate
was, on all other folds. It predicts the fold that it was not trained on. These are the out-of-sample pred_probs of
confident learning (Northcutt et al. 2021). Images outside train are predicted by all of these models, and the mean is
taken. Each fold costs the time of the stage `train`, and the result is the best evidence on labels that there is.

Two things could leak a label into its own evidence:

- A base model that was trained on these images knows their labels. So the folds start from a model that has learnt from
  no image (`held_out.unseen_start`). After a promotion they may need more epochs (`evaluate.cross_epochs`).
- Early stopping would use the labels of val. So it is off, and the weights of the last epoch predict.
"""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.engine.progress import track
from curation.errors import CurationError
from curation.images.store.pixels import Pixels
from curation.params import Params
from curation.predict.held_out import train_and_predict, unseen_start
from curation.tables import CROSS_TRAINED
from curation.tables.codes import LABELLED_SPLITS, Split

log = logging.getLogger(__name__)


class FoldsError(CurationError):
    """Splits with fewer than two folds, which can't be cross-trained on."""


def cross_train(splits: pd.DataFrame, pixels: Pixels, params: Params, scratch: Path) -> pd.DataFrame:
    """Make CROSS_TRAINED: one row for each labelled image of SPLITS whose label is a class of today's model.

    scratch: a folder for a fresh backbone. Memory: 4 bytes for each image and class.
    Raises FoldsError when there are fewer than two folds.
    """
    from curation.model.training.examples import classes_of

    classes = classes_of(splits)
    wanted = splits["split"].isin(LABELLED_SPLITS) & splits["label"].isin(classes)
    samples = splits[wanted].sort_values("image_id", kind="stable", ignore_index=True)
    folds, train = folds_of(samples), samples["split"] == Split.TRAIN
    recipe = recipe_of(samples, params, scratch)
    sums = np.zeros((len(samples), len(classes)), np.float32)
    for fold in track(folds, len(folds), "cross-train", "model"):
        rows = np.flatnonzero((samples["fold"] == fold) | ~train)
        rest = samples[train & (samples["fold"] != fold)]
        sums[rows] += train_and_predict(rest, samples.iloc[rows], classes, pixels, recipe).probabilities
    sums /= np.where(train, 1, len(folds))[:, None]
    packed = [row.tobytes() for row in sums.astype("<f2")]
    return pd.DataFrame({"image_id": samples["image_id"], "probabilities": packed})[CROSS_TRAINED.columns]


def folds_of(splits: pd.DataFrame) -> list[int]:
    """Numbers of the folds of train. Raises FoldsError when there are fewer than two."""
    folds = sorted({int(fold) for fold in splits["fold"]} - {-1})
    if len(folds) < 2:
        raise FoldsError(
            f"evaluate.out_of_sample is cross_trained, but data/splits.parquet has {len(folds)} folds over train, and "
            "two are needed: set `split.folds: 5` in params.yaml, or `evaluate.out_of_sample: embeddings`"
        )
    return folds


def recipe_of(splits: pd.DataFrame, params: Params, scratch: Path) -> Params:
    """The candidate's parameters, with a base model that was trained on no image."""
    start = unseen_start(splits["image_id"], params, scratch)
    if start.cold:
        log.info("%s (`evaluate.cross_epochs`)", start.words)
    return start.params.model_copy(update={"epochs": params.evaluate.cross_epochs or params.epochs})


def stacked(table: pd.DataFrame, image_ids: pd.Series, classes: int) -> NDArray[np.float32] | None:
    """pred_probs float32 [n, classes] of `image_ids` from CROSS_TRAINED; NaN where it has none; None for no rows."""
    if table.empty:
        return None
    known = np.frombuffer(b"".join(table["probabilities"]), "<f2").reshape(len(table), classes).astype(np.float32)
    rows = pd.Index(table["image_id"]).get_indexer(pd.Index(image_ids))
    return np.where((rows >= 0)[:, None], known[rows], np.float32(np.nan))
