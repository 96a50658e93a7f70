"""Turn raw scores into the table IDENTIFIED: calibrated confidence, margin, OOD score and known near-duplicates.

Scores are stored as the model gave them and calibrated when they are read. So a new calibration needs no second forward
pass.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from curation.predict.calibration import Calibration
from curation.predict.ood import unpack
from curation.predict.predictor import answers_of, with_answers


def identified(batches: Iterable[pd.DataFrame], calibration: Calibration) -> pd.DataFrame:
    """Turn batches of raw scores (columns of `score_parts.RAW`) into one frame with the answer for each image.

    Without a measured calibration the OOD score is NaN.
    """
    frames = [_batch(batch, calibration) for batch in batches if len(batch)]
    return pd.concat(frames, ignore_index=True) if frames else _empty()


def labelled_near_duplicates(duplicates: pd.DataFrame, selection: pd.DataFrame) -> pd.DataFrame:
    """Return the leak group of each image and one labelled image of that group, or "" when there is none.

    `selection` has the columns image_id and label. An image is labelled when its label is neither "" nor "unknown". The
    keeper is preferred, then the smallest image_id.
    """
    groups = duplicates[["image_id", "keeper", "leak_group"]].merge(selection[["image_id", "label"]], on="image_id")
    labelled = groups[~groups.label.isin(["", "unknown"])]
    first = labelled.sort_values("image_id").groupby("leak_group").image_id.first()
    near = groups.set_index("image_id")
    keeper = near.keeper.where(near.keeper.isin(set(labelled.image_id)))
    near["near_duplicate_of"] = keeper.fillna(near.leak_group.map(first)).fillna("")
    same = near.near_duplicate_of == near.index
    near.loc[same, "near_duplicate_of"] = ""
    return near[["near_duplicate_of", "leak_group"]]


def _batch(batch: pd.DataFrame, calibration: Calibration) -> pd.DataFrame:
    readable = (batch.logits.map(len) > 0).to_numpy()
    frame = batch[["image_id", "path", "blur", "brightness", "contrast", "hash", "embedding", "error"]]
    logits = np.stack(batch.logits[readable].to_list()).astype(np.float64) if readable.any() else np.zeros((0, 0))
    columns = answers_of(logits, unpack(batch.embedding[readable]), calibration)
    del columns["embedding"], columns["pred_probs"]  # the bytes are there already
    return with_answers(frame, readable, columns)


def _empty() -> pd.DataFrame:
    from curation.tables import IDENTIFIED

    frame: pd.DataFrame = IDENTIFIED.schema.empty_table().to_pandas()
    return frame.assign(hash=pd.Series([], dtype=object))
