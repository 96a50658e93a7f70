"""Fit what a model needs beside its weights: its calibration, and what the OOD score compares with.

Both are fitted on images of one evaluation, and both are kept in data/calibration.json, which is promoted with the
model.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation.prediction_facts import groups_of
from curation.evaluation.prediction_table import codes
from curation.predict.calibration import Calibration
from curation.predict.ood import Answered, Reference, chosen_rows, foreign, unit
from curation.predict.score_store import Scored
from curation.predict.thresholds import Sample
from curation.tables.codes import Basis, Split

MOST_CALIBRATED = 100_000
MOST_HELD_BACK = 20_000
MOST_ANSWERS = 2_000
BLOCK = 16_384
CHECKED = [Basis.HAND_MADE, Basis.DECISION]  # the basis of benchmark images that a person put there, label and all

Flags = NDArray[np.bool_]


def calibrate(splits: pd.DataFrame, scored: Scored, seen: Flags, seed: int) -> Calibration:
    """Fit the calibration on val and on the hand-made benchmark sets; and the OOD score.

    Trusted are the labels of these sets, and those of val that were reviewed blind (column `audited`, if it is there).
    At most 100,000 images, sampled with `seed`; `seen` [n] is as for `measured_sets`. What these sets then say of
    confidence (log loss, ECE) is a little flattered, for it was fitted to them too; accuracy is not touched. The
    precision above a threshold is measured on the val images that the OOD gate keeps.
    """
    by_hand = (splits["split"] == Split.BENCHMARK) & splits["basis"].isin(CHECKED)
    made, val = by_hand.to_numpy(bool) & ~seen, (splits["split"] == Split.VAL).to_numpy(bool)
    audited = splits["audited"].to_numpy(bool) if "audited" in splits else np.zeros(len(splits), bool)
    trusted = made | (val & audited)
    rows = np.flatnonzero(val | made)
    if len(rows) > MOST_CALIBRATED:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_CALIBRATED, replace=False))
    labels = codes(splits["label"].to_numpy()[rows], scored.classes)
    held_back = _held_back(splits, seen)
    reference = fit_reference(splits, scored, held_back)
    kept = val[rows] & ~foreign(_scores(scored, rows, reference))
    fitted = Calibration.fit(
        np.asarray(scored.logits[rows]),
        labels,
        trusted=trusted[rows],
        classes=scored.classes,
        sample=Sample(groups_of(splits.iloc[rows]), kept),
    )
    some = held_back[:MOST_ANSWERS]
    sure = fitted.probabilities(np.asarray(scored.logits[some]))
    far = _scores(scored, some, reference)
    answers = Answered(
        tuple(int(code) for code in sure.argmax(axis=1)) if len(some) else (),
        tuple(round(float(value), 6) for value in sure.max(axis=1)) if len(some) else (),
        tuple(round(float(value), 6) for value in far) if reference else (),
    )
    return replace(fitted, ood=reference, like=answers)


def fit_reference(splits: pd.DataFrame, scored: Scored, held_back: NDArray[np.intp]) -> Reference | None:
    """Fit the OOD score to training images that the model predicts right; None when there are none."""
    train = np.flatnonzero((splits["split"] == Split.TRAIN).to_numpy(bool))
    labels = codes(splits["label"].to_numpy()[train], scored.classes)
    predicted = np.concatenate(
        [scored.logits[train[at : at + BLOCK]].argmax(axis=1) for at in range(0, len(train), BLOCK)] or [labels]
    )
    right = predicted == labels if (predicted == labels).any() else labels >= 0
    train, labels = train[right], labels[right]
    if not len(train):
        return None
    some = chosen_rows(labels)
    return Reference.fit(_unit(scored, train[some]), labels[some], _unit(scored, held_back))


def ood_scores(scored: Scored, calibration: Calibration, wanted: Flags) -> NDArray[np.float32]:
    """Return OOD scores [n]; NaN for the images that are not `wanted` [n], and without a reference."""
    found = np.full(len(wanted), np.nan, np.float32)
    rows = np.flatnonzero(wanted)
    for at in range(0, len(rows), BLOCK):
        found[rows[at : at + BLOCK]] = _scores(scored, rows[at : at + BLOCK], calibration.ood)
    return found


def _held_back(splits: pd.DataFrame, seen: Flags) -> NDArray[np.intp]:
    """Rows of val and of test images that no model learnt from, one of each leak group, by image_id."""
    test = (splits["split"] == Split.TEST).to_numpy(bool) & ~seen
    rows = np.flatnonzero((splits["split"] == Split.VAL).to_numpy(bool) | test)
    _, first = np.unique(groups_of(splits)[rows], return_index=True)
    return np.sort(rows[first])[:MOST_HELD_BACK]


def _scores(scored: Scored, rows: NDArray[np.intp], reference: Reference | None) -> NDArray[np.float32]:
    return reference.ood_scores(_unit(scored, rows)) if reference else np.full(len(rows), np.nan, np.float32)


def _unit(scored: Scored, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    return unit(np.asarray(scored.embeddings[rows], np.float32))
