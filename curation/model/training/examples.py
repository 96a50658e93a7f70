"""What a model is trained and measured on: rows of the pixel store with their labels, and the order of an epoch.

The order depends on the seed and the epoch only, so a run that was killed sees the same batches again. Balanced
sampling is with replacement, with weights that give every class (and every sub-class within it) the same share.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.errors import CurationError
from curation.images.store.pixels import Pixels
from curation.tables.codes import Split

Ints = NDArray[np.int64]


class NothingToTrainError(CurationError):
    """Splits with fewer than two classes in train."""


class SharesError(CurationError):
    """A batch that is too small for the processes that share it."""


@dataclass(frozen=True)
class Examples:
    """Labelled images, in the order of their ids."""

    image_ids: tuple[str, ...]
    rows: Ints  # [n] in the pixel store
    labels: Ints  # [n] index of the class
    groups: Ints  # [n] number of the (class, sub-class)
    small: NDArray[np.bool_]  # [n] never zoomed out

    def __len__(self) -> int:
        return len(self.image_ids)

    def take(self, indices: Sequence[int] | Ints) -> "Examples":
        """The examples at some indices."""
        at = np.asarray(indices, dtype=np.int64)
        ids = tuple(self.image_ids[index] for index in at)
        return Examples(ids, self.rows[at], self.labels[at], self.groups[at], self.small[at])


def classes_of(splits: pd.DataFrame) -> tuple[str, ...]:
    """The classes of today's model: the labels in train, sorted. NothingToTrainError when there are fewer than two."""
    classes = sorted(set(splits.loc[splits["split"] == Split.TRAIN, "label"]))
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no image at all"
        raise NothingToTrainError(
            f"the table splits has {found} in train; a classifier needs two classes. "
            "Lower `cutoff.min`, or add images to data/raw"
        )
    return tuple(classes)


def examples_of(splits: pd.DataFrame, classes: Sequence[str], pixels: Pixels) -> Examples:
    """The rows of a table (columns of SPLITS) whose label is one of `classes`, sorted by image id."""
    known = splits[splits["label"].isin(list(classes))].sort_values("image_id", kind="stable")
    numbers = {label: number for number, label in enumerate(classes)}
    labels = np.array([numbers[label] for label in known["label"]], dtype=np.int64)
    keys = known["label"] + "\x00" + known["subclass"]
    groups = np.unique(keys.to_numpy(dtype=str), return_inverse=True)[1].reshape(-1).astype(np.int64)
    ids = tuple(known["image_id"])
    small = np.asarray(known["small"], dtype=np.bool_)
    return Examples(ids, pixels.rows(ids), labels, np.asarray(groups, dtype=np.int64), small)


def dataset_hash(splits: pd.DataFrame) -> str:
    """SHA-256 over what was trained and validated on: image id, label, sub-class and split, sorted."""
    used = splits[splits["split"].isin([Split.TRAIN, Split.VAL])].sort_values("image_id", kind="stable")
    columns = [used[name] for name in ("image_id", "label", "subclass", "split")]
    text = "\n".join("\t".join(row) for row in zip(*columns, strict=True))
    return hashlib.sha256(text.encode()).hexdigest()


def epoch_order(examples: Examples, balance: str, seed: int, epoch: int) -> Ints:
    """Indices int [n] of an epoch, in order: a shuffle, or a weighted sample for `balance: class` or `subclass`."""
    rng = np.random.default_rng([seed, epoch])
    if balance == "none":
        return rng.permutation(len(examples)).astype(np.int64)
    return rng.choice(len(examples), len(examples), p=weights(examples, balance)).astype(np.int64)


def weights(examples: Examples, balance: str) -> NDArray[np.float64]:
    """Probability [n] of each image: the same sum for each class (`class`), or sub-class too (`subclass`)."""
    in_class = np.bincount(examples.labels)
    if balance == "class":
        shares = 1.0 / in_class[examples.labels]
    else:
        class_of_group = np.zeros(examples.groups.max() + 1, dtype=np.int64)
        class_of_group[examples.groups] = examples.labels
        groups_of_class = np.bincount(class_of_group, minlength=len(in_class))
        in_group = np.bincount(examples.groups)
        shares = 1.0 / (in_group[examples.groups] * groups_of_class[examples.labels])
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def batches_of(order: Ints, batch_size: int) -> list[Ints]:
    """Cut an order into batches of nearly the same size, at most `batch_size`, or three where that is 2.

    Equal sizes avoid a last batch of one image, which a norm layer can't learn from.
    """
    return np.array_split(order, max(1, min(-(-len(order) // batch_size), len(order) // 2)))


def check_shares(count: int, batch_size: int, world: int, accumulate: int = 1) -> None:
    """Check that every part of a batch has two images or more, or norm layers can't learn.

    count: the images of an epoch. world: processes that share a batch. accumulate: parts in which each computes its
    share. Raises SharesError.
    """
    smallest, parts = min(len(part) for part in batches_of(np.arange(count), batch_size)), world * accumulate
    if parts > 1 and smallest < 2 * parts:
        raise SharesError(
            f"batch_size {batch_size} cuts {count:,} images into batches of {smallest}, which {world} process(es) "
            f"compute in {accumulate} part(s) each: every part needs two images or more. Set `batch_size` to "
            f"{4 * parts} or more, `train.accumulate` lower, or start fewer processes"
        )
