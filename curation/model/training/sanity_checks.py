"""Checks before money is spent: seconds in which the usual silent faults of training show.

The list is Karpathy's "A recipe for training neural networks" (2019): the loss at step 0, one batch that can be
overfitted, images and labels that belong together, norm layers in the right mode. The model that is trained
afterwards is untouched: the checks work on a copy.
"""

import copy
import logging
import math

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
from curation.model.training.loader import Feed
from curation.model.training.loop import Data

log = logging.getLogger(__name__)
BATCH = 16
STEPS = 60
NEIGHBOURS = 600  # images whose nearest neighbour is looked up
SHUFFLES = 200


class CheckError(CurationError):
    """Something is wrong with the run that is about to start."""

    def __init__(self, text: str) -> None:
        super().__init__(f"before training: {text}. (`-S train.checks=false` goes on regardless)")


def check_all(engine: Engine, data: Data) -> None:
    """Run every check; CheckError stops the run, what is only suspicious is logged."""
    sample = spread(data.train, BATCH, engine.params.seed)
    with Feed(data.pixels, engine.device, 1) as feed:
        check_order(feed, data, engine.params.seed)
        images, labels = next((batch.images, batch.labels) for batch in feed.batches(data.train, [sample]))
    images = engine.normalise(to_float(images))
    first = check_first_loss(engine, images, labels)
    last = check_overfit(engine, images, labels)
    log.info("checks: loss at step 0 is %.3f, %d images are learnt by heart (%.3f)", first, len(labels), last)
    doubt = related(data, engine.params.seed)
    if doubt > 0.05:
        log.warning("checks: labels look unrelated to the pixels (p = %.2f): were they shuffled?", doubt)


def check_order(feed: Feed, data: Data, seed: int) -> None:
    """What the feed delivers for an image must be that image's pixels and label, read by themselves."""
    train = data.train
    places = np.random.default_rng(seed).permutation(len(train))[: 2 * BATCH].astype(np.int64)
    for batch in feed.batches(train, np.array_split(places, 2)):
        for place, image, label in zip(batch.places, batch.images.cpu().numpy(), batch.labels.tolist(), strict=True):
            alone = data.pixels.batch(data.pixels.rows([train.image_ids[place]]))[0]
            if label != train.labels[place] or not np.array_equal(image, alone):
                raise CheckError(f"image {train.image_ids[place]} comes with another image's pixels or label")


def check_first_loss(engine: Engine, images: torch.Tensor, labels: torch.Tensor) -> float:
    """A fresh head knows nothing: its loss must be near ln(classes); one that is reused may be lower."""
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
    """A network that can learn at all learns a handful of images by heart."""
    model = copy.deepcopy(engine.model)
    norm_modes.set_training(model, engine.head, frozen=False)
    norm_modes.check_modes(model, engine.head, training=True)
    _quiet_noise(model)
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
        raise CheckError(
            f"{len(labels)} images can't be learnt by heart: after {STEPS} steps the loss is {losses[-1]:.2f}"
        )
    if min(losses) > 0.5 * losses[0]:
        log.warning("checks: %d images are learnt slowly (loss %.2f after %d steps)", len(labels), min(losses), STEPS)
    return losses[-1]


def related(data: Data, seed: int) -> float:
    """How likely it is that labels have nothing to do with pixels: a p-value, near 0 for sound data.

    Nearest neighbours (on pixels averaged to 4x4) share a label more often than after permutations of the labels.
    """
    draw = np.random.default_rng(seed)
    some = data.train.take(draw.permutation(len(data.train))[:NEIGHBOURS])
    tiny = _thumbnails(data.pixels.batch(some.rows))
    apart = (tiny**2).sum(1)[:, None] + (tiny**2).sum(1)[None] - 2 * tiny @ tiny.T
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argmin(1)
    agree = (some.labels[nearest] == some.labels).mean()
    mixed = [draw.permutation(some.labels) for _ in range(SHUFFLES)]
    chance = [(labels[nearest] == labels).mean() for labels in mixed]
    return float((1 + np.sum(np.array(chance) >= agree)) / (1 + SHUFFLES))


def spread(examples: Examples, count: int, seed: int) -> Ints:
    """Some places, classes taken in turn."""
    order = np.random.default_rng(seed).permutation(len(examples))
    turn = np.zeros(len(order), dtype=np.int64)
    seen: dict[int, int] = {}
    for at, place in enumerate(order):
        label = int(examples.labels[place])
        turn[at] = seen[label] = seen.get(label, -1) + 1
    return order[np.argsort(turn, kind="stable")][:count].astype(np.int64)


def _thumbnails(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    edges = np.linspace(0, pixels.shape[1], 5).astype(int)[:-1]
    rows = np.add.reduceat(pixels.astype(np.float64), edges, axis=1)
    sums = np.add.reduceat(rows, edges, axis=2).reshape(len(pixels), -1)
    return np.asarray(sums / pixels.shape[1] ** 2)


def _quiet_noise(model: nn.Module) -> None:
    for layer in model.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
