"""Two registered pictures on one grid: that of the coarser picture, the sharper one blurred until both are as sharp."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.dedupe.verification.compared_picture import Box, ComparedPicture, Pixels, Reals
from curation.dedupe.verification.registration import Matrix, frame_on_frame, scaling, turn_of

Mask = NDArray[np.bool_]

LUMA = np.array([[0.114, 0.587, 0.299]], np.float32)
LEAST_PIXELS = 150
SOFTER = 1.25  # ratio of sharpness from which the sharper picture is blurred
BLURS = (0.7, 1.2, 2.0, 3.5)  # pixels
ROUNDS, DAMPING, LEAST_GAIN = 4, 0.05, 0.2  # of the fit; the gain itself is none of its matter
STILL = 1e-3  # what the entries of the matrix of a pair that is not moved may differ by
POINTS = 24  # places a side at which coverage is sampled


class Overlap(NamedTuple):
    """Two pictures on one grid, float32 [h, w, 3], and the pixels that both have.

    covered: share of each one's content, borders apart, that the other shows: of the better and the less covered one.
    length: pixels of the grid's long side.
    """

    one: Reals
    other: Reals
    both: Mask
    covered: tuple[float, float]
    length: int


def lay_over(one: ComparedPicture, other: ComparedPicture, matrix: Matrix, side: int) -> Overlap | None:
    """Bring both pictures onto a grid of at most `side` pixels; None where they hardly overlap.

    matrix: of pixels of `other` onto pixels of `one`.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if scale > 1.02:
        one, other, matrix, scale = other, one, np.linalg.inv(matrix), 1 / scale
    matrix = matrix / matrix[2, 2]
    share = min(1.0, side / max(one.width, one.height))
    ours, to_ours = _resized(one, share)
    high, wide = ours.shape[:2]
    both: Mask
    turn = whole_on_whole(one, other, matrix)
    if turn is not None:
        seen, both = turned(other.at((high, wide) if turn % 2 else (wide, high)), turn), np.ones((high, wide), bool)
    else:
        theirs, to_theirs = _resized(other, min(1.0, scale * share))
        moved = to_ours @ matrix @ np.linalg.inv(to_theirs)
        seen = cv2.warpPerspective(theirs, moved, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        full = np.full(theirs.shape[:2], 255, np.uint8)
        both = np.asarray(cv2.warpPerspective(full, moved, (wide, high), flags=cv2.INTER_NEAREST) > 0)
    padded = np.pad(both.astype(np.uint8), 1)
    both = np.asarray(cv2.erode(padded, np.ones((7, 7), np.uint8))[1:-1, 1:-1] > 0)
    if both.sum() < LEAST_PIXELS:
        return None
    shares = (
        _covered(one.inside, np.linalg.inv(matrix), other.width, other.height),
        _covered(other.inside, matrix, one.width, one.height),
    )
    left, right = as_sharp(ours.astype(np.float32), seen.astype(np.float32), both)
    return Overlap(left, right, both, (max(shares), min(shares)), max(wide, high))


def whole_on_whole(one: ComparedPicture, other: ComparedPicture, matrix: Matrix) -> int | None:
    """The orientation in which the matrix lays one whole frame on the other; None where it does something else."""
    turn = turn_of(matrix)
    return turn if np.allclose(matrix, frame_on_frame(one.whole, other.whole, turn), atol=STILL) else None


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """The picture in another orientation: mirrored from 4 on, and then turned left."""
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if orientation >= 4 else pixels, orientation % 4))


def luma(pixels: Reals) -> Reals:
    """Grey of blue, green and red, float32 [h, w]."""
    return np.asarray(cv2.transform(pixels, LUMA))


def as_sharp(one: Reals, other: Reals, both: Mask) -> tuple[Reals, Reals]:
    """Filter the sharper of two pictures until it is as sharp as the other."""
    first, second = _sharpness(luma(one), both), _sharpness(luma(other), both)
    if max(first, second) <= SOFTER * min(first, second):
        return one, other
    return (_softened(one, other, both), other) if first > second else (one, _softened(other, one, both))


def _softened(sharp: Reals, soft: Reals, both: Mask) -> Reals:
    """The sum of a picture and its blurred versions that comes nearest to a softer one. It undoes sharpening as well.

    The same few weights hold for all pixels, so nothing in one place can be explained by them.
    """
    layers = [sharp, *(cv2.GaussianBlur(sharp, (0, 0), blur) for blur in BLURS)]
    kept = both[::2, ::2]
    known = np.stack([luma(layer)[::2, ::2][kept] for layer in layers], 1)
    wanted = luma(soft)[::2, ::2][kept]
    known, wanted = known - known.mean(0), wanted - wanted.mean()
    weight = np.ones(len(known), np.float32)
    for _ in range(ROUNDS):
        weighted = (known * weight[:, None]).T
        solved = np.linalg.solve(weighted @ known + np.eye(len(layers)) * len(known) * DAMPING, weighted @ wanted)
        error = np.abs(known @ solved - wanted)
        weight = 1 / (1 + (error / (2.5 * np.median(error) + 1)) ** 2)
    shares = solved / max(float(solved.sum()), LEAST_GAIN)
    return np.asarray(sum(np.float32(share) * layer for share, layer in zip(shares, layers, strict=True)), np.float32)


def _sharpness(grey: Reals, both: Mask) -> float:
    """Mean size of the Laplacian, as a share of the contrast."""
    edges = cv2.Laplacian(cv2.GaussianBlur(grey, (0, 0), 0.8), -1)
    mask = both.astype(np.uint8)
    return float(cv2.mean(np.abs(edges), mask)[0] / (cv2.meanStdDev(grey, mask=mask)[1][0, 0] + 4))


def _resized(picture: ComparedPicture, share: float) -> tuple[Pixels, Matrix]:
    if share >= 1:
        return picture.pixels, np.eye(3)
    size = (max(8, round(picture.width * share)), max(8, round(picture.height * share)))
    return picture.at(size), scaling(size[0] / picture.width, size[1] / picture.height)


def _covered(box: Box, matrix: Matrix, wide: int, high: int) -> float:
    """Share of a box that lies in a picture of `wide` x `high` pixels once it is moved there."""
    across, down = np.meshgrid(
        np.linspace(box.left, box.right - 1, POINTS), np.linspace(box.top, box.bottom - 1, POINTS)
    )
    moved = matrix @ np.stack([across.ravel(), down.ravel(), np.ones(POINTS * POINTS)])
    x, y = moved[0] / moved[2], moved[1] / moved[2]
    return float(((x > -2) & (x < wide + 1) & (y > -2) & (y < high + 1)).mean())
