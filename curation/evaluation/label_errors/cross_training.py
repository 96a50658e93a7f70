"""What models say of images whose labels they never saw: cross-training, on request.

For each fold of train (whole leak groups, column `fold` of SPLITS) one more model is trained, as the candidate was, on
all the others, and asked about the fold it missed (the out-of-sample probabilities of confident learning, Northcutt et
al. 2021). Images outside train are asked of all of them, and the answers averaged. This costs the time of the stage
`train` once a fold, and is the best evidence there is on labels.

What would leak: a base that learnt these images in an earlier round knows their labels by heart. Then the folds start
from a fresh backbone instead, made as the stage `backbone` makes it, and may want more epochs
(`evaluate.cross_epochs`). Val and test teach nothing, not even when to stop: the last epoch's weights are asked.
"""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.engine.progress import track
from curation.errors import CurationError
from curation.images.store.pixels import Pixels
from curation.model.header import SPLITS, read_header
from curation.params import Params
from curation.tables import CROSS_TRAINED

LABELLED = [*SPLITS, "reserve"]

log = logging.getLogger(__name__)


class FoldsError(CurationError):
    """Splits that can't be cross-trained on."""


def cross_train(splits: pd.DataFrame, pixels: Pixels, params: Params, scratch: Path) -> pd.DataFrame:
    """Make CROSS_TRAINED: one row a labelled image of SPLITS whose label is a class of today's model.

    Holds 4 bytes an image and class; `scratch` is a folder for a fresh backbone. FoldsError below two folds.
    """
    from curation.model.training.examples import classes_of
    from curation.model.training.held_out import train_and_predict

    classes = classes_of(splits)
    asked = splits["split"].isin(LABELLED) & splits["label"].isin(classes)
    subjects = splits[asked].sort_values("image_id", kind="stable", ignore_index=True)
    folds, train = folds_of(subjects), subjects["split"] == "train"
    recipe = recipe_of(subjects, params, scratch)
    sums = np.zeros((len(subjects), len(classes)), np.float32)
    for fold in track(folds, len(folds), "cross-train", "model"):
        rows = np.flatnonzero((subjects["fold"] == fold) | ~train)
        rest = subjects[train & (subjects["fold"] != fold)]
        sums[rows] += train_and_predict(rest, subjects.iloc[rows], classes, pixels, recipe).probabilities
    sums /= np.where(train, 1, len(folds))[:, None]
    told = [row.tobytes() for row in sums.astype("<f2")]
    return pd.DataFrame({"image_id": subjects["image_id"], "probabilities": told})[CROSS_TRAINED.columns]


def folds_of(splits: pd.DataFrame) -> list[int]:
    """The folds of train; FoldsError below two."""
    folds = sorted({int(fold) for fold in splits["fold"]} - {-1})
    if len(folds) < 2:
        raise FoldsError(
            f"evaluate.out_of_sample is cross_trained, but data/splits.parquet has {len(folds)} folds over train, and "
            "two are needed: set `split.folds: 5` in params.yaml, or `evaluate.out_of_sample: embeddings`"
        )
    return folds


def recipe_of(splits: pd.DataFrame, params: Params, scratch: Path) -> Params:
    """The candidate's parameters, from a base that knows none of the labels to judge."""
    base = Path(params.base_model)
    lineage = read_header(base).lineage
    known = sum(lineage.get(image_id) == "train" for image_id in splits["image_id"])
    if known:
        from curation.model.base_model import make_backbone

        base = scratch / "backbone.safetensors"
        log.info("%d of these images taught %s: the folds start from %s", known, params.base_model, "a fresh backbone")
        make_backbone(params, base)
    epochs = params.evaluate.cross_epochs or params.epochs
    return params.model_copy(update={"base_model": str(base), "epochs": epochs})


def stacked(table: pd.DataFrame, image_ids: pd.Series, classes: int) -> NDArray[np.float32] | None:
    """Probabilities float32 [n, classes] of `image_ids` from CROSS_TRAINED, NaN where it has none; None if empty."""
    if table.empty:
        return None
    known = np.frombuffer(b"".join(table["probabilities"]), "<f2").reshape(len(table), classes).astype(np.float32)
    places = pd.Index(table["image_id"]).get_indexer(pd.Index(image_ids))
    return np.where((places >= 0)[:, None], known[places], np.float32(np.nan))
