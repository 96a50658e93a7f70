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
LEAST_SAMPLES, LEAST_SHARE = 300, 0.2  # of the samples that must be unclipped, or else all are read
ROUNDS = 6
SETTLED = 1e-4  # change of the gain from which no further round is needed
GAIN = (0.85, 1.18)  # the light that counts as unchanged: exposure that a fixed camera itself varies
OFFSET = 16.0
TERMS = 20
DAMPING = np.diag([0.01] * 3 + [0.05] * 6 + [1.0] * 10 + [0.001]).astype(np.float32)
TONES = 16  # steps of the monotone curve of each colour
REACH, FINE = (-128, 384), 8  # grey levels that a curve is kept for, and its steps a level
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
    thin = [np.ascontiguousarray(picture[::2, ::2]) for picture in (pair.one, pair.other)]
    mask = np.ascontiguousarray(pair.both[::2, ::2], np.uint8)
    spreads = [float((cv2.meanStdDev(picture, mask=mask)[1] ** 2).sum()) for picture in thin]
    clipped = [_clipped(picture, mask) for picture in thin]
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
        before = gain, offset
        total = float(weight.sum())
        middle, level = float(weight @ x) / total, float(weight @ y) / total
        apart = x - np.float32(middle)
        drawn = weight * apart
        spread, shared = float(drawn @ apart) / total, float(drawn @ (y - np.float32(level))) / total
        gain = float(np.clip(shared / max(spread, 25.0), *GAIN)) if spread > 100 else 1.0
        offset = float(np.clip(level - gain * middle, -OFFSET, OFFSET))
        if abs(gain - before[0]) < SETTLED and abs(offset - before[1]) < 255 * SETTLED:
            break
        error = np.abs(np.float32(gain) * x + np.float32(offset) - y)
        weight = 1 / (1 + (error / (2 * np.partition(error, len(error) // 2)[len(error) // 2] + 2)) ** 2)
    predicted = cv2.addWeighted(source, gain, source, 0.0, offset)
    return np.asarray(np.clip(predicted, 0, 255, out=predicted))


def _smoothly(source: Reals, actual: Reals, both: Mask) -> Reals:
    """Predict with a regression on colour and place, and then a monotone curve for each colour."""
    high, wide = both.shape
    (left, step), (right, _) = _thinned(source, both), _thinned(actual, both)
    kept = _unclipped(both[::step, ::step], left, right)
    down, across = np.linspace(-1, 1, high, dtype=np.float32)[:, None], np.linspace(-1, 1, wide, dtype=np.float32)
    known = _terms(left, down[::step], across[::step])[kept]
    wanted = right[kept]
    weight = np.ones(len(known), np.float32)
    for _ in range(ROUNDS):
        weighted = (known * weight[:, None]).T
        normal = weighted @ known + np.float32(2e-3 * len(known)) * DAMPING
        solved = np.linalg.solve(normal, weighted @ wanted).astype(np.float32)
        apart = np.abs(known @ solved - wanted)
        error = np.maximum(np.maximum(apart[:, 0], apart[:, 1]), apart[:, 2])
        weight = 1 / (1 + (error / (2.5 * np.partition(error, len(error) // 2)[len(error) // 2] + 3)) ** 2)
    predicted = _predicted(source, solved, down, across)
    fitted = known @ solved
    for colour in range(3):
        curve = _curve(fitted[:, colour], wanted[:, colour], weight)
        place = np.clip((predicted[..., colour] - REACH[0]) * FINE, 0, len(curve) - 1)
        predicted[..., colour] = curve[place.astype(np.intp)]
    return predicted


def _unclipped(kept: Mask, left: Reals, right: Reals) -> Mask:
    """The samples that are clipped in neither picture, where there are enough: what is clipped tells of no light."""
    fine = [cv2.inRange(one, (DARK,) * 3, (BRIGHT,) * 3) > 0 for one in (left, right)]
    both = kept & fine[0] & fine[1]
    return both if both.sum() >= max(LEAST_SAMPLES, LEAST_SHARE * kept.sum()) else kept


def _terms(pixels: Reals, down: Reals, across: Reals) -> Reals:
    """The terms of each pixel, float32 [h, w, TERMS].

    They are the colours, their squares and roots, the light by place, the colours by distance from the middle, and one.
    """
    colours, grey = pixels / 255, luma(pixels) / 255
    out = np.empty((*grey.shape, TERMS), np.float32)
    out[..., :3], out[..., 3:6], out[..., 6:9] = colours, colours * colours, np.sqrt(np.maximum(colours, 0))
    out[..., 9], out[..., 10] = grey * across, grey * down
    out[..., 11], out[..., 12] = out[..., 9] * across, out[..., 10] * down
    distance = (across * across + down * down)[..., None]
    out[..., 13:16], out[..., 16:19] = colours * distance, colours * distance**2
    out[..., 19] = 1
    return out


def _predicted(source: Reals, solved: Reals, down: Reals, across: Reals) -> Reals:
    """The terms of all pixels times what was solved, without keeping the terms."""
    colours, grey = source * np.float32(1 / 255), luma(source) * np.float32(1 / 255)
    shades = np.stack([grey * across, grey * down, grey * across * across, grey * down * down], -1)
    fading = colours * (across * across + down * down)[..., None]
    faded = fading * (across * across + down * down)[..., None]
    roots = np.sqrt(np.maximum(colours, 0))
    parts = [
        (colours, 0, 3),
        (colours * colours, 3, 6),
        (roots, 6, 9),
        (shades, 9, 13),
        (fading, 13, 16),
        (faded, 16, 19),
    ]
    total: Reals = np.empty_like(source)
    total[:] = solved[19]
    for values, first, end in parts:
        total += cv2.transform(values, np.ascontiguousarray(solved[first:end].T))
    return total


def _curve(fitted: Reals, wanted: Reals, weight: Reals) -> Reals:
    """The monotone curve that leads from `fitted` to `wanted`, in grey levels, at steps of 1 / FINE of REACH."""
    values = np.arange(*REACH, 1 / FINE, dtype=np.float32)
    edges = np.quantile(fitted, np.linspace(0, 1, TONES + 1))
    edges[1:] += 1e-3 * np.arange(1, TONES + 1)
    tone: NDArray[np.intp] = np.clip(np.searchsorted(edges, fitted) - 1, 0, TONES - 1)
    total = np.bincount(tone, weight, TONES) + 1e-6
    enough = np.bincount(tone, minlength=TONES) > 20
    if enough.sum() >= 4:
        at = (np.bincount(tone, weight * fitted, TONES) / total)[enough]
        to = np.maximum.accumulate((np.bincount(tone, weight * wanted, TONES) / total)[enough])
        values = np.interp(values, at, to) + np.minimum(values - at[0], 0) + np.maximum(values - at[-1], 0)
    return np.asarray(np.clip(values, 0, 255), np.float32)
