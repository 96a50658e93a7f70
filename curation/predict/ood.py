"""The OOD score of an image: how far its embedding lies from the training images of every class.

The distance is that of Mahalanobis on embeddings of length 1 (Lee et al., 2018; Mueller & Hein, 2025): to the nearest
class mean, with one covariance that is shrunk (Ledoit & Wolf, 2004). Of eight scores on eleven pairs of sets it was the
best (benchmarks/ood.py). The OOD score is its conformal rank among held-back images (Vovk et al., 2005), so of new
images like those at most 5 % reach 0.95.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Reals = npt.NDArray[np.float32]

BANK = 5_000  # training images that the covariance is estimated from
LEAST_OF_CLASS = 10
MOST_AXES = 256  # main directions of the covariance; the others have one common spread
BLOCK = 4_096
GATE = 0.95  # images with this OOD score or a higher one count as foreign: 5 % of images like val and test do


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
    """What an embedding is compared with.

    - means: the mean unit vector of each class [c, d]
    - axes: directions [d, k] along which images of one class differ much; distances along them are shortened
    - held_back: sorted distances of held-back images
    """

    means: Reals
    axes: Reals
    held_back: Reals

    @classmethod
    def fit(cls, vectors: Reals, labels: npt.NDArray[np.integer], held_back: Reals) -> "Reference":
        """Fit to unit vectors [n, d] of training images with their labels [n], and those of held-back images [m, d].

        Without held-back images the distances of the training images themselves are used.
        """
        from sklearn.covariance import ledoit_wolf

        found, rows = np.unique(labels, return_inverse=True)
        wide = vectors.astype(np.float64)
        means = np.stack([wide[rows == code].mean(axis=0) for code in range(len(found))])
        spreads, basis = np.linalg.eigh(ledoit_wolf(wide - means[rows], assume_centered=True)[0])
        spreads = np.maximum(spreads, 1e-12)
        cut = max(len(spreads) - MOST_AXES, 0)
        common = spreads[: cut + 1].mean()
        shares = np.sqrt(np.maximum(1 - common / spreads[cut:], 0))
        basis = basis[:, cut:] * np.where(basis[np.abs(basis).argmax(axis=0), np.arange(len(basis))] < 0, -1, 1)[cut:]
        start = cls(means.astype(np.float32), (basis * shares).astype(np.float32), np.zeros(0, np.float32))
        return cls(start.means, start.axes, np.sort(start.distance(held_back if len(held_back) else vectors)))

    def distance(self, vectors: Reals) -> Reals:
        """Return the squared distance [n] of unit vectors [n, d] to the nearest class mean, up to a constant factor."""
        means, axes = self.means.astype(np.float64), self.axes.astype(np.float64)
        inner = means @ axes
        found = np.zeros(len(vectors), np.float32)
        for start in range(0, len(vectors), BLOCK):
            wide = vectors[start : start + BLOCK].astype(np.float64)
            near = _squares(wide, means) - _squares(wide @ axes, inner)
            found[start : start + BLOCK] = near.min(axis=1)
        return found

    def ood_scores(self, vectors: Reals) -> Reals:
        """Return the OOD score [n] of unit vectors [n, d].

        It is 1 - (1 + f) / (m + 1), where f of the m held-back images lie at least as far. So it is below 1.
        """
        nearer = np.searchsorted(self.held_back, self.distance(vectors), side="left")
        return (nearer / (len(self.held_back) + 1)).astype(np.float32)

    def as_dict(self) -> dict[str, Any]:
        """Return the arrays for JSON: their shapes, and their bytes (float32, little-endian) in base64."""
        arrays = {"means": self.means, "axes": self.axes, "held_back": self.held_back}
        return {
            name: {"shape": list(array.shape), "base64": base64.b64encode(array.astype("<f4").tobytes()).decode()}
            for name, array in arrays.items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Reference":
        """Read what `as_dict` gave."""
        return cls(*(_array(values[name]) for name in ("means", "axes", "held_back")))


@dataclass(frozen=True)
class Answered:
    """The answers for some images: the predicted class as a code, confidence, and OOD score, one image a leak group."""

    predicted: tuple[int, ...] = ()
    confidence: tuple[float, ...] = ()
    ood_score: tuple[float, ...] = ()


NO_ANSWERS = Answered()


def foreign(ood_scores: "pd.Series[float] | Reals", gate: float = GATE) -> npt.NDArray[np.bool_]:
    """Return which images [n] count as foreign. An image without an OOD score (NaN) does not."""
    return np.asarray(ood_scores, np.float64) >= np.float32(gate)


def chosen_rows(labels: npt.NDArray[np.integer], bank: int = BANK) -> npt.NDArray[np.intp]:
    """Return about `bank` rows of labels [n], the first of each class, with one limit for every class."""
    limit = max(LEAST_OF_CLASS, bank // max(len(np.unique(labels)), 1))
    place = pd.Series(labels).groupby(labels).cumcount()
    return np.flatnonzero(place.to_numpy() < limit)


def _squares(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Squared distances [n, m] of the rows of two arrays."""
    return np.asarray((left**2).sum(axis=1)[:, None] - 2 * left @ right.T + (right**2).sum(axis=1))


def _array(values: Mapping[str, Any]) -> Reals:
    return np.frombuffer(base64.b64decode(values["base64"]), "<f4").reshape(values["shape"]).astype(np.float32)
