"""Train on some images and predict others, without writing a checkpoint.

Learning curves, cross-validation and cross-trained out-of-sample probabilities are made of such runs.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from curation.images.store.pixels import Pixels
from curation.model import device as devices
from curation.model.base_model import start_from
from curation.model.training.epoch import Engine
from curation.model.training.examples import batches_of, examples_of
from curation.model.training.loader import Loader
from curation.model.training.loop import Data, fit
from curation.model.training.run_state import RunState
from curation.params import Params


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
    train: pd.DataFrame, queries: pd.DataFrame, classes: Sequence[str], pixels: Pixels, params: Params
) -> HeldOut:
    """Train from the base model on `train`, and predict `queries`; both have the columns of SPLITS.

    No early stopping: the queries must not choose the epoch that is measured on them.
    """
    device = devices.choose(params.train.device, params.train.precision)
    start = start_from(Path(params.base_model), classes, params)
    engine = Engine(start.model, start.head, start.base, params, device)
    data = Data(pixels, examples_of(train, classes, pixels), examples_of(queries, classes, pixels))
    blind = Data(pixels, data.train, data.val.take([]))  # an empty val set switches early stopping off
    with tempfile.TemporaryDirectory(prefix="curation-") as folder:
        outcome = fit(engine, blind, RunState(Path(folder)), quiet=True)
    engine.model.load_state_dict(outcome.state)
    parts = batches_of(np.arange(len(data.val)), 256)
    with Loader(pixels, device, params.train.workers) as loader:
        found = [
            torch.softmax(engine.logits(batch.images), 1).cpu().numpy() for batch in loader.batches(data.val, parts)
        ]
    return HeldOut(data.val.image_ids, data.val.labels, np.concatenate(found))
