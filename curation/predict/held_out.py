"""Train on some images and predict others, without writing a checkpoint.

Learning curves, cross-validation and cross-trained out-of-sample probabilities are made of such runs. The predictions
take the way of all others: the same scorer and the same softmax, with a calibration that changes nothing.

After a promotion the base model has learnt the very images that a fold leaves out. `unseen_start` says what the runs
start from, so that no weight of theirs has ever seen an image that they are measured on.
"""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.model.header import read_header
from curation.params import Params
from curation.predict.calibration import Calibration
from curation.predict.score_store import batches_of
from curation.tables.codes import Split

if TYPE_CHECKING:
    from curation.images.store.pixels import Pixels


log = logging.getLogger(__name__)
LEARNT = frozenset({Split.TRAIN, Split.VAL})  # val chose the epoch


@dataclass(frozen=True)
class Origin:
    """What held-out runs start from: the parameters that name it, and a sentence about it."""

    params: Params
    cold: bool  # a fresh backbone, since the base model has learnt from images
    words: str


def unseen_start(image_ids: "pd.Series[str]", params: Params, scratch: Path) -> Origin:
    """Choose a start that has learnt from no image: the base model where it is a backbone, else a fresh backbone.

    A base model that learnt from any image is not started from, even where none of `image_ids` is in its lineage: a
    copy of one of them may be, under the id of other bytes. The fresh backbone is written to the folder `scratch`, as
    the stage `backbone` makes it.
    """
    lineage = read_header(Path(params.base_model)).lineage
    learnt = {image_id for image_id, split in lineage.items() if split in LEARNT}
    if not learnt:
        return Origin(params, False, "every training starts from the base model, which has learnt from no image")
    from curation.model.base_model import make_backbone

    known, fresh = int(image_ids.isin(learnt).sum()), scratch / "backbone.safetensors"
    make_backbone(params, fresh)
    words = (
        f"the base model has learnt from {known:,} of these {len(image_ids):,} images"
        + ("" if known else f", but from {len(learnt):,} others, which may have copies among them")
        + ": every training starts from a fresh backbone, which has seen none of them, and may need more epochs"
    )
    return Origin(params.model_copy(update={"base_model": str(fresh)}), True, words)


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
