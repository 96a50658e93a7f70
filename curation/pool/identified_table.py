"""From raw scores to the table `identified`: calibrated confidences, margins, how far out of scope, known twins.

Scores are stored as the model gave them and calibrated on the way out, so that a better calibration costs no second
forward pass.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from curation.predict.calibration import Calibration
from curation.predict.ood import Reference, unpack

TOP = 5


def identified(
    batches: Iterable[pd.DataFrame], calibration: Calibration, reference: Reference | None = None
) -> pd.DataFrame:
    """Turn batches of raw scores (columns of `parts.RAW`) into one frame with what each image probably is."""
    frames = [_batch(batch, calibration, reference) for batch in batches if len(batch)]
    return pd.concat(frames, ignore_index=True) if frames else _empty()


def known_twins(duplicates: pd.DataFrame, selection: pd.DataFrame) -> pd.DataFrame:
    """Give the leak group of each image and one labelled image of that group, "" when there is none.

    `selection` has image_id and label; labelled means neither "" nor "unknown". The keeper comes first, then the
    smallest image_id.
    """
    groups = duplicates[["image_id", "keeper", "leak_group"]].merge(selection[["image_id", "label"]], on="image_id")
    labelled = groups[~groups.label.isin(["", "unknown"])]
    first = labelled.sort_values("image_id").groupby("leak_group").image_id.first()
    twins = groups.set_index("image_id")
    keeper = twins.keeper.where(twins.keeper.isin(set(labelled.image_id)))
    twins["known_twin"] = keeper.fillna(twins.leak_group.map(first)).fillna("")
    same = twins.known_twin == twins.index
    twins.loc[same, "known_twin"] = ""
    return twins[["known_twin", "leak_group"]]


def _batch(batch: pd.DataFrame, calibration: Calibration, reference: Reference | None) -> pd.DataFrame:
    readable = (batch.logits.map(len) > 0).to_numpy()
    frame = batch[["image_id", "path", "blur", "brightness", "contrast", "hash", "embedding", "error"]].copy()
    count = len(frame)
    frame["label"] = np.full(count, "", dtype=object)
    for column in ("confidence", "margin", "entropy", "energy", "out_of_scope"):
        frame[column] = np.full(count, np.nan, np.float32)
    frame["top_labels"] = [[] for _ in range(count)]
    frame["top_confidences"] = [[] for _ in range(count)]
    if not readable.any():
        return frame
    logits = np.stack(batch.logits[readable].to_list()).astype(np.float64)
    for column, values in _answers(logits, calibration).items():
        frame.loc[readable, column] = pd.Series(list(values), index=frame.index[readable])
    if reference is not None:
        frame.loc[readable, "out_of_scope"] = reference.out_of_scope(unpack(batch.embedding[readable]))
    return frame


def _answers(logits: np.ndarray, calibration: Calibration) -> dict[str, np.ndarray | list[list[object]]]:
    sure = calibration.probabilities(logits).astype(np.float64)
    names = np.asarray(calibration.classes, dtype=object)
    order = np.argsort(-sure, axis=1, kind="stable")[:, :TOP]
    top = np.take_along_axis(sure, order, axis=1)
    high = logits.max(axis=1)
    return {
        "label": names[order[:, 0]],
        "confidence": top[:, 0].astype(np.float32),
        "margin": (top[:, 0] - (top[:, 1] if top.shape[1] > 1 else 0)).astype(np.float32),
        "entropy": -np.sum(sure * np.log(np.clip(sure, 1e-30, 1)), axis=1).astype(np.float32),
        "energy": -(high + np.log(np.exp(logits - high[:, None]).sum(axis=1))).astype(np.float32),
        "top_labels": [list(row) for row in names[order]],
        "top_confidences": [list(row) for row in top.astype(np.float32)],
    }


def _empty() -> pd.DataFrame:
    from curation.tables import IDENTIFIED

    frame: pd.DataFrame = IDENTIFIED.schema.empty_table().to_pandas()
    return frame.assign(hash=pd.Series([], dtype=object))
