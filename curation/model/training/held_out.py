"""Train on some images and ask the model about others, without leaving a checkpoint.

Learning curves, cross-validation and cross-trained evidence on labels are all made of such runs.
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
from curation.model.training.loader import Feed
from curation.model.training.loop import Data, fit
from curation.model.training.run_state import RunState
from curation.params import Params


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
