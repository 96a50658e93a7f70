"""Training runs that leave nothing behind: learning curves and cross-validation.

A learning curve trains on nested parts of train and measures on the same val; the error is fitted by a power law with
a floor (Hestness et al. 2017), which says what more images would bring. Cross-validation uses the folds of the stage
`split`, so twins never stand on both sides.
"""

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from curation.errors import CurationError
from curation.model import device as devices
from curation.model.ancestor import start_from
from curation.model.engine import Engine
from curation.model.examples import batches_of, classes_of, examples_of
from curation.model.feed import Feed
from curation.model.loop import Data, fit
from curation.model.pixels import Pixels
from curation.model.state import RunState
from curation.params import Params
from curation.workers import track

EVERYTHING = "all classes"
SMALLEST_PART = 1 / 16


class TrialError(CurationError):
    """Data from which no curve and no folds can be made."""


@dataclass(frozen=True)
class Answers:
    """What a model trained on some images says of others."""

    image_ids: tuple[str, ...]
    labels: NDArray[np.int64]  # [n]
    probabilities: NDArray[np.float32]  # [n, classes], not calibrated

    @property
    def right(self) -> NDArray[np.bool_]:
        """[n] whether the answer is the label."""
        return np.asarray(self.probabilities.argmax(1) == self.labels)


@dataclass(frozen=True)
class Law:
    """error = floor + scale * images ** -power."""

    floor: float
    scale: float
    power: float

    def accuracy(self, images: float) -> float:
        """The accuracy that the law expects of so many images."""
        return float(1 - min(1.0, self.floor + self.scale * images**-self.power))


def train_and_ask(
    train: pd.DataFrame, asked: pd.DataFrame, classes: Sequence[str], pixels: Pixels, params: Params
) -> Answers:
    """Train from the base model on some rows, and ask about others; both have the columns of SPLITS."""
    device = devices.choose(params.train.device, params.train.precision)
    start = start_from(Path(params.base_model), classes, params)
    engine = Engine(start.model, start.head, start.parent, params, device)
    data = Data(pixels, examples_of(train, classes, pixels), examples_of(asked, classes, pixels))
    blind = Data(pixels, data.train, data.val.take([]))  # no early stopping on the images that measure it
    with tempfile.TemporaryDirectory(prefix="curation-") as folder:
        outcome = fit(engine, blind, RunState(Path(folder)), quiet=True)
    engine.model.load_state_dict(outcome.state)
    parts = batches_of(np.arange(len(data.val)), 256)
    with Feed(pixels, device, params.train.workers) as feed:
        found = [torch.softmax(engine.answer(batch.images), 1).cpu().numpy() for batch in feed.batches(data.val, parts)]
    return Answers(data.val.image_ids, data.val.labels, np.concatenate(found))


def learning_curve(splits: pd.DataFrame, pixels: Pixels, params: Params, points: int) -> pd.DataFrame:
    """Accuracy on val by the number of images trained on: one row a part and class (columns class, images, accuracy).

    The parts are nested, take the same share of every class, and grow geometrically up to all of train.
    """
    classes = classes_of(splits)
    train, val = (splits[splits["split"] == side] for side in ("train", "val"))
    val = val[val["label"].isin(classes)]
    if val.empty:
        raise TrialError("no image of today's classes is in val: raise `split.val`")
    rows = []
    for share in track(np.geomspace(SMALLEST_PART, 1, points), points, "learning curve", "trainings"):
        part = nested_part(train, float(share), params.seed)
        # Fewer images make fewer steps: small parts are given more epochs, or the curve would show haste, not lack.
        longer = params.model_copy(update={"epochs": round(params.epochs * share**-0.5)})
        answers = train_and_ask(part, val, classes, pixels, longer)
        counts = part["label"].value_counts()
        rows.append((EVERYTHING, len(part), float(answers.right.mean())))
        rows += [
            (label, int(counts[label]), float(answers.right[answers.labels == number].mean()))
            for number, label in enumerate(classes)
            if (answers.labels == number).any()
        ]
    return pd.DataFrame(rows, columns=["class", "images", "accuracy"])


def nested_part(train: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """A share of every class, at least 2 images; larger shares contain smaller ones, whatever the order of the rows."""
    ordered = train.sort_values("image_id", kind="stable")
    ordered = ordered.assign(_draw=np.random.default_rng(seed).permutation(len(ordered)))
    place = ordered.groupby("label")["_draw"].rank(method="first")
    wanted = (ordered.groupby("label")["_draw"].transform("size") * share).round().clip(lower=2)
    return ordered[place <= wanted].drop(columns="_draw")


def fit_law(images: Sequence[float], accuracy: Sequence[float]) -> Law:
    """Fit the power law to measured points (at least 3), weighting all alike; TrialError when there are fewer."""
    from scipy.optimize import OptimizeWarning, curve_fit

    if len(images) < 3:
        raise TrialError("a learning curve needs at least 3 points: raise --points")
    sizes, errors = np.asarray(images, dtype=float), 1 - np.asarray(accuracy, dtype=float)
    smallest = sizes.min()
    start = (errors.min() / 2, max(errors.max() - errors.min() / 2, 1e-3), 0.5)
    bounds = ([0, 0, 0.01], [1, 10, 2])
    # In units of the smallest part the three numbers are of the same order, which the optimiser likes.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # points on a line: the law fits, its spread is unknown
        (floor, scale, power), _ = curve_fit(
            lambda n, c, a, b: c + a * (n / smallest) ** -b, sizes, errors, p0=start, bounds=bounds, maxfev=20_000
        )
    return Law(float(floor), float(scale * smallest**power), float(power))


def cross_validate(splits: pd.DataFrame, pixels: Pixels, params: Params) -> pd.DataFrame:
    """Every train image judged by a model that has not seen its fold: image_id, fold, label, predicted, confidence."""
    classes = classes_of(splits)
    train = splits[(splits["split"] == "train") & (splits["fold"] >= 0)]
    folds = sorted(set(train["fold"]))
    if len(folds) < 2:
        raise TrialError("data/splits.parquet has fewer than 2 folds: set `split.folds` and run `dvc repro split`")
    parts = []
    for fold in track(folds, len(folds), "cross-validation", "trainings"):
        held_out = train["fold"] == fold
        answers = train_and_ask(train[~held_out], train[held_out], classes, pixels, params)
        best = answers.probabilities.argmax(1)
        part = {
            "image_id": answers.image_ids,
            "fold": fold,
            "label": [classes[number] for number in answers.labels],
            "predicted": [classes[number] for number in best],
            "confidence": answers.probabilities.max(1),
        }
        parts.append(pd.DataFrame(part))
    return pd.concat(parts).sort_values("image_id", ignore_index=True)
