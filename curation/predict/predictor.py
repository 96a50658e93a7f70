"""`Predictor` classifies image files with one model.

    model = resolve(Project.find(), "production")
    Predictor(model).predict(["photos/1.jpg", "s3://bucket/2.png"])

It reads the files exactly as the training images were read, scores them, calibrates the scores, and adds the OOD score.
`curate identify` and the stages `identify` and `evaluate` take the same steps for more images than fit in memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from curation.engine.mapping import chunks
from curation.images.image_measures import Settings
from curation.params import Params
from curation.predict.answer_columns import calibrated
from curation.predict.calibration import Calibration
from curation.predict.decode import Decoder, Item
from curation.predict.model_lookup import Model
from curation.predict.ood import unit
from curation.predict.score_files import ScoredBatch, score_batches

COLUMNS = ["image_id", "path", "error", "label", "confidence", "margin", "entropy", "energy", "top_labels"]
COLUMNS += ["top_confidences", "pred_probs", "ood_score", "embedding"]


@dataclass(frozen=True)
class Predictor:
    """A model with its calibration.

    `params` says how files are read (`ingest`) and how large a batch is (`identify`). Relative paths start at `root`.
    """

    model: Model
    params: Params = field(default_factory=Params)
    root: Path = Path()

    def predict(self, paths: Iterable[Path | str]) -> pd.DataFrame:
        """Return one row for each path, in the given order. A path is a file or any fsspec URL.

        Columns:

        - image_id: MD5 of the bytes
        - path: the path as it was given
        - error: why the file could not be read, or ""
        - label, confidence: the most probable class and its calibrated probability
        - margin, entropy, energy, top_labels, top_confidences: as in the table PREDICTIONS
        - pred_probs: calibrated probabilities float32 [c], in the order of `model.classes`
        - ood_score: share of held-back images that lie nearer to the training images; NaN without a calibration
        - embedding: float32 [d]

        When a file can't be read, label is "", numbers are NaN and lists are empty.
        """
        items = [Item(str(path)) for path in paths]
        decoder = Decoder(self.model.input, Settings.of(self.params), self.root)
        batches = list(chunks(items, self.params.identify.batch_size))
        scored = score_batches(batches, self.model.path, decoder, self.params) if batches else iter(())
        frames = [self._frame(batch) for batch in scored]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=COLUMNS)

    def _frame(self, batch: ScoredBatch) -> pd.DataFrame:
        facts = [(image.image_id, image.item.shown, image.error) for image in batch.images]
        frame = pd.DataFrame(facts, columns=["image_id", "path", "error"])
        readable = (frame.error == "").to_numpy()
        columns = answers_of(batch.logits, batch.embeddings, self.model.calibration)
        return with_answers(frame, readable, columns)[COLUMNS]


def answers_of(
    logits: npt.NDArray[np.floating],
    embeddings: npt.NDArray[np.floating],
    calibration: Calibration,
) -> dict[str, Any]:
    """Return the columns of an answer for logits [n, c] and embeddings [n, d]: calibrated, with the OOD score."""
    if not len(logits):
        logits = np.zeros((0, len(calibration.classes)))
    columns, pred_probs = calibrated(logits, calibration)
    far = np.full(len(logits), np.nan, np.float32)
    if calibration.ood is not None and len(logits):
        far = calibration.ood.ood_scores(unit(np.asarray(embeddings, np.float32)))
    return {**columns, "pred_probs": list(pred_probs), "ood_score": far, "embedding": list(embeddings)}


def with_answers(frame: pd.DataFrame, readable: npt.NDArray[np.bool_], columns: dict[str, Any]) -> pd.DataFrame:
    """Put the columns of the readable rows into a frame. The other rows get "", NaN or an empty list."""
    frame = frame.copy()
    for name, values in columns.items():
        if name == "label":
            full = np.full(len(frame), "", dtype=object)
        elif isinstance(values, np.ndarray):
            full = np.full(len(frame), np.nan, np.float32)
        else:
            full = np.empty(len(frame), dtype=object)
            full[:] = [[] for _ in range(len(frame))]
        for row, value in zip(np.flatnonzero(readable), values, strict=True):
            full[row] = value
        frame[name] = full
    return frame
