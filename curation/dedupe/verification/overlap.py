"""Two registered pictures on one grid: that of the coarser picture, the sharper one blurred until both are as sharp."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.dedupe.verification.bending import bend
from curation.dedupe.verification.compared_picture import Box, ComparedPicture, Pixels, Reals
from curation.dedupe.verification.registration import Matrix, frame_on_frame, scaling, turn_of

Mask = NDArray[np.bool_]

LUMA = np.array([[0.114, 0.587, 0.299]], np.float32)
LEAST_PIXELS = 150
SOFTER = 1.25  # ratio of sharpness from which the sharper picture is blurred
BLURS = (0.7, 1.2, 2.0, 3.5)  # pixels
ROUNDS, DAMPING, LEAST_GAIN = 4, 0.05, 0.2  # of the fit; the gain itself is none of its matter
STILL = 1e-3  # what the entries of the matrix of a pair that is not moved may differ by
FRAME, FRAMED = 20, 0.8  # grey levels by which this share of what a frame hides differs from it
HIDDEN = 0.3  # share of the picture that a frame may hide
CLIPPED = (5, 250)  # grey levels outside which a sharpened picture is clipped
POINTS = 24  # places a side at which coverage is sampled


class Way(NamedTuple):
    """How two pictures are brought together. As few pairs need it, it costs an own comparison.

    bent: the smooth shift that their transform leaves is taken away. sharpened: the softer picture is sharpened as the
    sharper one, and clipped as that is, instead of blurring the sharper one.
    """

    bent: bool = False
    sharpened: bool = False


PLAIN = Way()


class Overlap(NamedTuple):
    """Two pictures on one grid, float32 [h, w, 3], and the pixels that both have.

    covered: share of each one's content, borders apart, that the other shows: of the better and the less covered one.
    length: pixels of the grid's long side. sharper: sharpness of the sharper picture as a multiple of the other's.
    swapped: whether `one`, the coarser picture, was given as the second one. blind: pixels that sharpening clipped,
    bool [h, w]; None where no picture was sharpened.
    """

    one: Reals
    other: Reals
    both: Mask
    covered: tuple[float, float]
    length: int
    sharper: float
    swapped: bool
    blind: Mask | None = None


def lay_over(
    one: ComparedPicture, other: ComparedPicture, matrix: Matrix, side: int, way: Way = PLAIN
) -> Overlap | None:
    """Bring both pictures onto a grid of at most `side` pixels; None where they hardly overlap.

    matrix: of pixels of `other` onto pixels of `one`.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    swapped = scale > 1.02
    if swapped:
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
        if way.bent:
            seen = _bent(ours, seen, both, theirs, moved)
    hidden = _hidden(one, other, to_ours @ matrix, ours, seen) if one.framed or other.framed else None
    if hidden is not None:
        both &= ~hidden
    padded = np.pad(both.astype(np.uint8), 1)
    both = np.asarray(cv2.erode(padded, np.ones((7, 7), np.uint8))[1:-1, 1:-1] > 0)
    if both.sum() < LEAST_PIXELS:
        return None
    shares = (
        _covered(one.inside, np.linalg.inv(matrix), other.whole if hidden is None else other.inside),
        _covered(other.inside, matrix, one.whole if hidden is None else one.inside),
    )
    pictures = ours.astype(np.float32), seen.astype(np.float32)
    sharp = [_sharpness(luma(picture), both) for picture in pictures]
    first, blind = sharp[0] > sharp[1], None
    if way.sharpened:
        pictures, blind = _as_sharp(pictures, both, first=first)
    elif max(sharp) > SOFTER * min(sharp):
        pictures = _as_soft(pictures, both, first=first)
    sharper = max(sharp) / max(min(sharp), 1e-6)
    return Overlap(*pictures, both, (max(shares), min(shares)), max(wide, high), sharper, swapped, blind)


def _bent(ours: Pixels, seen: Pixels, both: Mask, theirs: Pixels, moved: Matrix) -> Pixels:
    """What is seen of a picture without the smooth shift that its transform leaves."""
    shift = bend(luma(ours.astype(np.float32)), luma(seen.astype(np.float32)), both)
    if shift is None:
        return seen
    down, across = np.mgrid[0 : both.shape[0], 0 : both.shape[1]]
    back = np.linalg.inv(moved)
    x, y = shift[0] + across, shift[1] + down
    places = [row[0] * x + row[1] * y + row[2] for row in back]
    across, down = ((place / places[2]).astype(np.float32) for place in places[:2])
    return np.asarray(cv2.remap(theirs, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


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


def _as_soft(pictures: tuple[Reals, Reals], both: Mask, *, first: bool) -> tuple[Reals, Reals]:
    """Filter the sharper of two pictures, which may be the first, until it is as sharp as the other."""
    one, other = pictures
    return (_filtered(one, other, both), other) if first else (one, _filtered(other, one, both))


def _as_sharp(pictures: tuple[Reals, Reals], both: Mask, *, first: bool) -> tuple[tuple[Reals, Reals], Mask]:
    """Sharpen the softer picture as the sharper one, which may be the first; and where that was clipped."""
    one, other = pictures
    made = _filtered(other, one, both) if first else _filtered(one, other, both)
    clipped = cv2.inRange(made, (CLIPPED[0],) * 3, (CLIPPED[1],) * 3) == 0
    blind = cv2.dilate(clipped.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    made = np.clip(made, 0, 255)
    return (one, made) if first else (made, other), blind


def _filtered(picture: Reals, like: Reals, both: Mask) -> Reals:
    """The sum of a picture and its blurred versions that comes nearest to another one. It undoes sharpening as well.

    The same few weights hold for all pixels, so nothing in one place can be explained by them.
    """
    layers = [picture, *(cv2.GaussianBlur(picture, (0, 0), blur) for blur in BLURS)]
    kept = both[::2, ::2]
    known = np.stack([luma(layer)[::2, ::2][kept] for layer in layers], 1)
    wanted = luma(like)[::2, ::2][kept]
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


def _covered(box: Box, matrix: Matrix, other: Box) -> float:
    """Share of a box that lies in a box of the other picture once it is moved there."""
    across, down = np.meshgrid(
        np.linspace(box.left, box.right - 1, POINTS), np.linspace(box.top, box.bottom - 1, POINTS)
    )
    moved = matrix @ np.stack([across.ravel(), down.ravel(), np.ones(POINTS * POINTS)])
    x, y = moved[0] / moved[2], moved[1] / moved[2]
    inside = (x > other.left - 2) & (x < other.right + 1) & (y > other.top - 2) & (y < other.bottom + 1)
    return float(inside.mean())


def _hidden(one: ComparedPicture, other: ComparedPicture, moved: Matrix, ours: Pixels, seen: Pixels) -> Mask | None:
    """Where the frame around one picture lies over content of the other; None where no frame does.

    A frame has one colour, which the content there hardly has. The empty margin of a page, or of a thing on white, has
    the colour of the other's ground, so what differs there is compared.
    """
    high, wide = ours.shape[:2]
    to_ours = scaling(wide / one.width, high / one.height)
    shown = [_laid(one.inside, one, to_ours, (wide, high)), _laid(other.inside, other, moved, (wide, high))]
    whole = _laid(other.whole, other, moved, (wide, high))
    hidden: Mask = np.zeros((high, wide), bool)
    for inner, outer, frame, content in ((*shown, ours, seen), (*shown[::-1], seen, ours)):
        place = outer & ~inner & whole
        if place.any():
            colour = np.median(frame[place], axis=0)
            apart = np.abs(content[place] - colour) > FRAME
            if (apart[:, 0] | apart[:, 1] | apart[:, 2]).mean() > FRAMED:
                hidden |= place
    return hidden if 0 < hidden.mean() <= HIDDEN else None


def _laid(box: Box, picture: ComparedPicture, matrix: Matrix, size: tuple[int, int]) -> Mask:
    """Where a box of a picture lies on a grid of this size (width, height), bool [h, w]."""
    mask = np.zeros((picture.height, picture.width), np.uint8)
    mask[box.top : box.bottom, box.left : box.right] = 255
    return np.asarray(cv2.warpPerspective(mask, matrix, size, flags=cv2.INTER_NEAREST) > 0)
