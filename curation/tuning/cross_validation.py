"""Cross-validation over the folds of the stage `split`.

Each leak group is whole in one fold, so no copy of an image that a model predicts was in its training. The models start
from weights that have seen no image: see `held_out.unseen_start`.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from curation.engine.progress import track
from curation.errors import CurationError
from curation.images.store.pixels import Pixels
from curation.params import Params
from curation.predict.held_out import train_and_predict, unseen_start
from curation.tables.codes import Split


class FoldCountError(CurationError):
    """The table of splits has too few folds."""


@dataclass(frozen=True)
class CrossValidation:
    """The predictions of all folds, and what the models were started from."""

    predictions: pd.DataFrame  # columns image_id, fold, label, predicted, confidence; sorted by image_id
    cold: bool
    start: str  # in words


def cross_validate(splits: pd.DataFrame, pixels: Pixels, params: Params, scratch: Path) -> CrossValidation:
    """Predict every train image with a model that has not seen its fold.

    - splits: columns image_id, label, split and fold
    - scratch: a folder for a fresh backbone

    Raises FoldCountError when there are fewer than two folds.
    """
    from curation.model.training.examples import classes_of

    classes = classes_of(splits)
    train = splits[(splits["split"] == Split.TRAIN) & (splits["fold"] >= 0)]
    folds = sorted(set(train["fold"]))
    if len(folds) < 2:
        raise FoldCountError("the table splits has fewer than 2 folds: set `split.folds` and run `dvc repro split`")
    start = unseen_start(train["image_id"], params, scratch)
    parts = []
    for fold in track(folds, len(folds), "cross-validation", "trainings"):
        held_out = train["fold"] == fold
        answers = train_and_predict(train[~held_out], train[held_out], classes, pixels, start.params)
        best = answers.probabilities.argmax(1)
        part = {
            "image_id": answers.image_ids,
            "fold": fold,
            "label": [classes[number] for number in answers.labels],
            "predicted": [classes[number] for number in best],
            "confidence": answers.probabilities.max(1),
        }
        parts.append(pd.DataFrame(part))
    found = pd.concat(parts).sort_values("image_id", ignore_index=True)
    return CrossValidation(found, start.cold, start.words)
