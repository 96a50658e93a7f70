"""Train on some images and predict others, without writing a checkpoint.

Learning curves, cross-validation and cross-trained out-of-sample probabilities are made of such runs. The predictions
take the way of all others: the same scorer and the same softmax, with a calibration that changes nothing.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.params import Params
from curation.predict.calibration import Calibration
from curation.predict.score_store import batches_of

if TYPE_CHECKING:
    from curation.images.store.pixels import Pixels


@dataclass(frozen=True)
class HeldOut:
    """Predictions of a model for images that it was not trained on."""

    image_ids: tuple[str, ...]
    labels: NDArray[np.int64]  # [n]
    probabilities: NDArray[np.float32]  # [n, classes], not calibrated

    @property
    def right(self) -> NDArray[np.bool_]:
        """Bool [n]: whether the predicted class is the label."""
        return np.asarray(self.probabilities.argmax(1) == self.labels)


def train_and_predict(
    train: pd.DataFrame, queries: pd.DataFrame, classes: Sequence[str], pixels: "Pixels", params: Params
) -> HeldOut:
    """Train from the base model on `train`, and predict `queries`; both have the columns of SPLITS.

    No early stopping: the queries must not choose the epoch that is measured on them.
    """
    from curation.model import device as devices
    from curation.model.base_model import start_from
    from curation.model.scorer import Scorer
    from curation.model.training.epoch import Engine
    from curation.model.training.examples import examples_of
    from curation.model.training.loop import Data, fit
    from curation.model.training.run_state import RunState

    device = devices.choose(params.train.device, params.train.precision)
    start = start_from(Path(params.base_model), classes, params)
    engine = Engine(start.model, start.head, start.base, params, device)
    query = examples_of(queries, classes, pixels)
    without_val = query.take([])  # an empty val switches off early stopping
    data = Data(pixels, examples_of(train, classes, pixels), without_val)
    with tempfile.TemporaryDirectory(prefix="curation-") as folder:
        outcome = fit(engine, data, RunState(Path(folder)), quiet=True)
    engine.model.load_state_dict(outcome.state)
    scorer = Scorer.of(replace(start.base, classes=tuple(classes)), engine.model, engine.head, device)
    scores = scorer.stream(batches_of(pixels, query.image_ids, params.evaluate.batch_size, scorer))
    logits = np.concatenate([batch.logits for batch in scores])
    return HeldOut(query.image_ids, query.labels, Calibration(tuple(classes)).probabilities(logits))
