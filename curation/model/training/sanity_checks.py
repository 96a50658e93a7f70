"""Checks before training starts: in seconds they find the usual faults that raise no error.

The list is from Karpathy, "A recipe for training neural networks" (2019):

- the loss at step 0 is near ln(classes);
- one batch can be overfitted;
- each image comes with its own label;
- norm layers are in the right mode.

The checks work on copies, so the model that is trained afterwards does not change. Whether labels were shuffled is told
after training, by `check_learnt`: before it, pictures on varied backgrounds look as unrelated to their labels as
shuffled ones do.
"""

import copy
import logging
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from curation.errors import CurationError
from curation.model.normalise import to_float
from curation.model.training import norm_modes
from curation.model.training.epoch import Engine
from curation.model.training.examples import Examples, Ints
from curation.model.training.loader import Loader
from curation.model.training.loop import Data, Row

log = logging.getLogger(__name__)
BATCH = 16
STEPS = 60
NEIGHBOURS = 600  # images whose nearest neighbour is searched
SHUFFLES = 200
LEVEL = 0.05
EXACT_UP_TO = 500  # answers; above, the normal distribution is close


class CheckError(CurationError):
    """A check failed before training started."""

    def __init__(self, text: str) -> None:
        super().__init__(f"before training: {text}. (`-S train.checks=false` switches the checks off)")


def check_all(engine: Engine, data: Data) -> None:
    """Run every check. A fault raises CheckError; what is only suspicious is logged."""
    sample = spread(data.train, BATCH, engine.params.seed)
    alone = replace(engine.device, rank=0, world=1)  # every process checks whole batches, however many there are
    with Loader(data.pixels, alone, 1) as loader:
        check_order(loader, data, engine.params.seed)
        images, labels = next((batch.images, batch.labels) for batch in loader.batches(data.train, [sample]))
    images = engine.normalise(to_float(images))
    first = check_first_loss(engine, images, labels)
    last = check_overfit(engine, images, labels)
    log.info("checks: loss at step 0 is %.3f, %d images are overfitted (%.3f)", first, len(labels), last)
    p_value = unrelated_p_value(data, engine.params.seed)
    if p_value > LEVEL:
        log.info("checks: small thumbnails don't tell the classes (p = %.2f), as on varied backgrounds", p_value)


def check_learnt(history: Sequence[Row], data: Data) -> None:
    """Warn where the trained model is not shown to be better on val than always answering the largest class.

    The last epoch counts, since the best one was chosen on val. So few images that even a perfect model would not be
    shown to be better are no reason to warn.
    """
    count = len(data.val)
    largest = np.bincount(data.val.labels).max() / count if count else 1.0
    if not history or chance_of(count, count, largest) > LEVEL:
        return
    accuracy = history[-1]["val_accuracy"]
    if chance_of(round(accuracy * count), count, largest) > LEVEL:
        log.warning(
            "checks: after training the accuracy on val is %.3f on %d images, and always answering the largest class "
            "has %.3f: are the labels unrelated to the pixels, were they shuffled? Or was training far too short?",
            accuracy,
            count,
            largest,
        )


def chance_of(right: int, count: int, share: float) -> float:
    """Probability that `right` or more of `count` answers are right, if each is with the probability `share`."""
    if not 0 < share < 1:
        return float(share >= 1 or right <= 0)
    if count > EXACT_UP_TO:
        return math.erfc((right - 0.5 - count * share) / math.sqrt(2 * count * share * (1 - share))) / 2
    terms = (math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(right, count + 1))
    return min(1.0, math.fsum(terms))


def check_order(loader: Loader, data: Data, seed: int) -> None:
    """Check that the loader gives each image the pixels and the label that a single read of it gives."""
    train = data.train
    indices = np.random.default_rng(seed).permutation(len(train))[: 2 * BATCH].astype(np.int64)
    for batch in loader.batches(train, np.array_split(indices, 2)):
        for index, image, label in zip(batch.indices, batch.images.cpu().numpy(), batch.labels.tolist(), strict=True):
            alone = data.pixels.batch(data.pixels.rows([train.image_ids[index]]))[0]
            if label != train.labels[index] or not np.array_equal(image, alone):
                raise CheckError(f"image {train.image_ids[index]} comes with another image's pixels or label")


def check_first_loss(engine: Engine, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Check that the loss of the untrained head is near ln(classes); that of a reused head may be lower."""
    model = copy.deepcopy(engine.model).eval()
    norm_modes.check_modes(model, engine.head, training=False)
    with torch.inference_mode(), engine.device.autocast():
        logits = model(images)
    loss = float(functional.cross_entropy(logits.float(), labels))
    blank = math.log(logits.shape[1])
    if not math.isfinite(loss) or loss > 3 * blank + 3:
        raise CheckError(
            f"the loss at step 0 is {loss:.2f}, far from ln({logits.shape[1]} classes) = {blank:.2f}. "
            "The features are too large for the head: try `train.head: zero`, or weights that fit the normalisation"
        )
    if abs(loss - blank) > 0.5 * blank and engine.params.train.head != "reuse":
        log.warning("checks: the loss at step 0 is %.2f, not near ln(classes) = %.2f", loss, blank)
    return loss


def check_overfit(engine: Engine, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Check that a copy of the model can overfit one small batch."""
    model = copy.deepcopy(engine.model)
    norm_modes.set_training(model, engine.head, frozen=False)
    norm_modes.check_modes(model, engine.head, training=True)
    _switch_dropout_off(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0)
    losses = []
    for _ in range(STEPS):
        with engine.device.autocast():
            logits = model(images)
        loss = functional.cross_entropy(logits.float(), labels)
        losses.append(float(loss.detach()))
        if losses[-1] < 0.2 * losses[0]:
            return losses[-1]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    if not min(losses) < 0.98 * losses[0]:
        raise CheckError(f"{len(labels)} images can't be overfitted: after {STEPS} steps the loss is {losses[-1]:.2f}")
    if min(losses) > 0.5 * losses[0]:
        log.warning("checks: %d images are learnt slowly (loss %.2f after %d steps)", len(labels), min(losses), STEPS)
    return losses[-1]


def unrelated_p_value(data: Data, seed: int) -> float:
    """p-value of a permutation test for "labels and small thumbnails are unrelated"; near 0 for simple pictures.

    The statistic is how often nearest neighbours (on pixels averaged to 4x4) share a label.
    """
    rng = np.random.default_rng(seed)
    some = data.train.take(rng.permutation(len(data.train))[:NEIGHBOURS])
    tiny = _thumbnails(data.pixels.batch(some.rows))
    apart = (tiny**2).sum(1)[:, None] + (tiny**2).sum(1)[None] - 2 * tiny @ tiny.T
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argmin(1)
    agree = (some.labels[nearest] == some.labels).mean()
    mixed = [rng.permutation(some.labels) for _ in range(SHUFFLES)]
    chance = [(labels[nearest] == labels).mean() for labels in mixed]
    return float((1 + np.sum(np.array(chance) >= agree)) / (1 + SHUFFLES))


def spread(examples: Examples, count: int, seed: int) -> Ints:
    """Indices of `count` random examples, the classes in turn."""
    order = np.random.default_rng(seed).permutation(len(examples))
    turn = np.zeros(len(order), dtype=np.int64)
    seen: dict[int, int] = {}
    for at, index in enumerate(order):
        label = int(examples.labels[index])
        turn[at] = seen[label] = seen.get(label, -1) + 1
    return order[np.argsort(turn, kind="stable")][:count].astype(np.int64)


def _thumbnails(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    edges = np.linspace(0, pixels.shape[1], 5).astype(int)[:-1]
    rows = np.add.reduceat(pixels.astype(np.float64), edges, axis=1)
    sums = np.add.reduceat(rows, edges, axis=2).reshape(len(pixels), -1)
    return np.asarray(sums / pixels.shape[1] ** 2)


def _switch_dropout_off(model: nn.Module) -> None:
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
