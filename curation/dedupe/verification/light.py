"""Explain the light of one picture by the other: with one gain and offset, or with a smooth change of colour and place.

Both are fitted by iteratively reweighted least squares with Cauchy weights (Holland and Welsch 1977), so that what is
on one picture only has little influence.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.dedupe.verification.compared_picture import Pixels, Reals
from curation.dedupe.verification.overlap import Mask, Overlap, luma

SAMPLES = 2500  # pixels that a fit reads
ROUNDS = 6
GAIN = (0.85, 1.18)  # the light that counts as unchanged: exposure that a fixed camera itself varies
OFFSET = 16.0
TERMS = 14
DAMPING = np.diag([0.01] * 3 + [0.05] * 6 + [1.0] * 4 + [0.001]).astype(np.float32)
TONES = 16  # steps of the monotone curve of each colour
BRIGHT, DARK = 250, 4  # grey levels that count as clipped


class Explained(NamedTuple):
    """predicted: what one picture makes of the other, `actual`; contrast: of the duller as a share of the other's."""

    predicted: Reals
    actual: Reals
    contrast: float


def explain(pair: Overlap, *, freely: bool, tinted: tuple[bool, bool] = (False, False)) -> Explained:
    """Predict the duller picture of a pair from the other one.

    tinted: which of the two are grey or of one tint. No colours can be predicted from such a picture.
    """
    mask = pair.both.astype(np.uint8)
    spreads = [float((cv2.meanStdDev(picture, mask=mask)[1] ** 2).sum()) for picture in (pair.one, pair.other)]
    clipped = [_clipped(picture, mask) for picture in (pair.one, pair.other)]
    forward = spreads[0] >= spreads[1] if abs(clipped[0] - clipped[1]) < 0.005 else clipped[0] < clipped[1]
    forward = tinted[1] if tinted[0] != tinted[1] else forward
    source, actual = (pair.one, pair.other) if forward else (pair.other, pair.one)
    if not freely:
        return Explained(_one_gain(source, actual, pair.both), actual, 1.0)
    contrast = float(np.clip(np.sqrt(min(spreads) / max(*spreads, 1.0)), 0.25, 1))
    return Explained(_smoothly(source, actual, pair.both), actual, contrast)


def _clipped(pixels: Reals, mask: Pixels) -> float:
    """Share of the pixels of a mask that are clipped in one of their colours."""
    fine = cv2.inRange(pixels, (DARK,) * 3, (BRIGHT,) * 3)
    return 1 - cv2.countNonZero(cv2.bitwise_and(fine, fine, mask=mask)) / cv2.countNonZero(mask)


def _thinned(pixels: Reals, both: Mask) -> tuple[Reals, int]:
    step = max(1, int(np.sqrt(both.size / SAMPLES)))
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 1.2)[::step, ::step]), step


def _one_gain(source: Reals, actual: Reals, both: Mask) -> Reals:
    """Predict with one gain and one offset, within what counts as unchanged light."""
    (left, step), (right, _) = _thinned(luma(source), both), _thinned(luma(actual), both)
    x, y = left[both[::step, ::step]], right[both[::step, ::step]]
    weight, gain, offset = np.ones_like(x), 1.0, 0.0
    for _ in range(ROUNDS):
        total = weight.sum()
        middle, level = (weight * x).sum() / total, (weight * y).sum() / total
        spread = (weight * (x - middle) ** 2).sum() / total
        shared = (weight * (x - middle) * (y - level)).sum() / total
        gain = float(np.clip(shared / max(spread, 25.0), *GAIN)) if spread > 100 else 1.0
        offset = float(np.clip(level - gain * middle, -OFFSET, OFFSET))
        error = np.abs(gain * x + offset - y)
        weight = 1 / (1 + (error / (2 * np.median(error) + 2)) ** 2)
    return np.asarray(np.clip(np.float32(gain) * source + np.float32(offset), 0, 255))


def _smoothly(source: Reals, actual: Reals, both: Mask) -> Reals:
    """Predict with a regression on colour and place, and then a monotone curve for each colour."""
    high, wide = both.shape
    (left, step), (right, _) = _thinned(source, both), _thinned(actual, both)
    kept = both[::step, ::step]
    down, across = np.mgrid[-1 : 1 : high * 1j, -1 : 1 : wide * 1j].astype(np.float32)
    known = _terms(left, down[::step, ::step], across[::step, ::step])[kept]
    wanted = right[kept]
    weight = np.ones(len(known), np.float32)
    for _ in range(ROUNDS):
        weighted = (known * weight[:, None]).T
        normal = weighted @ known + np.float32(2e-3 * len(known)) * DAMPING
        solved = np.linalg.solve(normal, weighted @ wanted).astype(np.float32)
        error = np.abs(known @ solved - wanted).max(1)
        weight = 1 / (1 + (error / (2.5 * np.median(error) + 3)) ** 2)
    predicted = _terms(source, down, across).reshape(-1, TERMS) @ solved
    fitted = known @ solved
    for colour in range(3):
        predicted[:, colour] = _curved(predicted[:, colour], fitted[:, colour], wanted[:, colour], weight)
    return np.clip(predicted.reshape(source.shape), 0, 255)


def _terms(pixels: Reals, down: Reals, across: Reals) -> Reals:
    """The 14 terms of each pixel: colours, their squares and roots, light by place, one; float32 [h, w, TERMS]."""
    colours, grey = pixels / 255, luma(pixels) / 255
    out = np.empty((*grey.shape, TERMS), np.float32)
    out[..., :3], out[..., 3:6], out[..., 6:9] = colours, colours * colours, np.sqrt(np.maximum(colours, 0))
    out[..., 9], out[..., 10] = grey * across, grey * down
    out[..., 11], out[..., 12] = out[..., 9] * across, out[..., 10] * down
    out[..., 13] = 1
    return out


def _curved(values: Reals, fitted: Reals, wanted: Reals, weight: Reals) -> Reals:
    """Bend values by the monotone curve that leads from `fitted` to `wanted`."""
    edges = np.quantile(fitted, np.linspace(0, 1, TONES + 1))
    edges[1:] += 1e-3 * np.arange(1, TONES + 1)
    tone: NDArray[np.intp] = np.clip(np.searchsorted(edges, fitted) - 1, 0, TONES - 1)
    total = np.bincount(tone, weight, TONES) + 1e-6
    enough = np.bincount(tone, minlength=TONES) > 20
    if enough.sum() < 4:
        return values
    at = (np.bincount(tone, weight * fitted, TONES) / total)[enough]
    to = np.maximum.accumulate((np.bincount(tone, weight * wanted, TONES) / total)[enough])
    bent = np.interp(values, at, to)
    return np.asarray(bent + np.minimum(values - at[0], 0) + np.maximum(values - at[-1], 0), np.float32)
