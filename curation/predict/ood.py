"""The OOD score of an image: how far its embedding lies from the training images.

The distance is the deep nearest-neighbour distance (Sun et al., 2022). The score is its conformal rank: 0.99 means that
99 % of the held-back images lie nearer to the training images than this image does.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from curation.tables.codes import Split

Reals = npt.NDArray[np.float32]

NEIGHBOURS = 10
BANK = 5_000  # training images that stand for all, so that the search costs less than the forward pass
BLOCK = 4_096


def unpack(embeddings: pd.Series) -> Reals:
    """Turn a column of float16 bytes into unit vectors float32 [n, d]. An image without an embedding gets zeros."""
    width = int(embeddings.map(len).max()) // 2 if len(embeddings) else 0
    empty = bytes(2 * width)
    values = np.frombuffer(b"".join(value or empty for value in embeddings), dtype="<f2")
    return unit(values.reshape(len(embeddings), width).astype(np.float32))


def unit(vectors: Reals) -> Reals:
    """Scale the rows [n, d] to length 1, so that a dot product is a cosine. Rows of zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


@dataclass(frozen=True)
class Reference:
    """The training images to compare with, and the distances of the held-back images.

    - embeddings: unit vectors [m, d] of training images that the model predicts right
    - labels: their labels [m]
    - held_back: sorted distances of the val and test images to these training images
    """

    embeddings: Reals
    labels: npt.NDArray[np.object_]
    held_back: Reals

    @classmethod
    def of(cls, predictions: pd.DataFrame, bank: int = BANK) -> "Reference":
        """Build the reference from PREDICTIONS, with about `bank` training images and the same limit for each class.

        Images are taken in the order of image_id, which is random. Without val and test images, the distances of the
        training images themselves are used.
        """
        train = predictions[(predictions.split == Split.TRAIN) & (predictions.label == predictions.predicted)]
        share = max(NEIGHBOURS, bank // max(train.label.nunique(), 1))
        chosen = train.sort_values("image_id").groupby("label", sort=True).head(share)
        vectors, labels = unpack(chosen.embedding), chosen.label.to_numpy(dtype=object)
        start = cls(vectors, labels, np.zeros(0, np.float32))
        others = predictions[predictions.split.isin([Split.VAL, Split.TEST])]
        held = start.distance(unpack(others.embedding)) if len(others) else start.distance(vectors)
        return cls(vectors, labels, np.sort(held))

    def distance(self, vectors: Reals) -> Reals:
        """Return the mean cosine distance [n] of unit vectors [n, d] to their 10 nearest training images.

        The result is NaN when the reference has no training images.
        """
        if not len(self.embeddings) or not len(vectors):
            return np.full(len(vectors), np.nan, np.float32)
        count = min(NEIGHBOURS, len(self.embeddings))
        parts = []
        for start in range(0, len(vectors), BLOCK):
            near = vectors[start : start + BLOCK] @ self.embeddings.T
            best = np.partition(near, near.shape[1] - count, axis=1)[:, -count:]
            parts.append(1 - best.mean(axis=1))
        return np.concatenate(parts).astype(np.float32)

    def ood_scores(self, vectors: Reals) -> Reals:
        """Return the OOD score [n] of unit vectors [n, d]: the share of held-back images that lie nearer.

        The score is NaN when the reference is empty.
        """
        far = self.distance(vectors)
        if not len(self.held_back):
            return np.full(len(vectors), np.nan, np.float32)
        rank = np.searchsorted(self.held_back, far, side="left") / len(self.held_back)
        return np.where(np.isnan(far), np.nan, rank).astype(np.float32)
