"""A picture as verification sees it: at a bounded size, with its trimmed frame and its local features.

Features are SIFT (Lowe 2004) as RootSIFT (Arandjelovic and Zisserman 2012). The descriptor of the mirrored picture
is a permutation of the same numbers, so a mirrored copy costs no second extraction.
"""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

# OpenCV's stubs tell no more of an array than that it holds numbers.
Pixels = NDArray[Any]  # uint8
Reals = NDArray[Any]  # float32

YCC = np.array([[0.114, 0.587, 0.299], [0.5, -0.331, -0.169], [-0.081, -0.419, 0.5]], np.float32)
SIDE = 320  # pixels of the long side at which pictures are registered
FEATURES = 400
LEAST_FEATURES = 6
TINT = 3.0  # mean colour of a tinted picture that its light does not explain, in grey levels
FAINT = 0.02  # contrast from which SIFT takes a feature
SPREAD = 200  # grey levels between the darkest and the brightest percent, from which contrast is not stretched
TINY = 200  # pixels of the long side below which features are looked for at twice the size
GRID = 32  # cells across and down of the coarse view
FLAT_EDGE = 4.0  # grey levels that a row of an added border may vary in, and differ from its neighbour
BORDERS = 0.45  # share of a side that may be border
LEAST_INSIDE = 16  # pixels that must stay after trimming
PALETTE, PROBED = 256, 5000  # colours of a palette at most, and pixels by which a picture is asked whether it has one
MIRRORED = np.arange(128).reshape(4, 4, 8)[::-1][:, :, [0, 7, 6, 5, 4, 3, 2, 1]].ravel()


class Box(NamedTuple):
    """A part of a picture, in pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int


class Features(NamedTuple):
    """Keypoints: places float32 [k, 2] (x, y) and descriptors float32 [k, 128] of unit length."""

    places: Reals
    descriptors: Reals


class Coarse(NamedTuple):
    """A coarse view: float64 [8, GRID * GRID] in the eight orientations, its mean taken off, and its spread."""

    turned: NDArray[np.float64]
    spread: float


class ComparedPicture:
    """A picture of at most `side` pixels; what is costly is computed once, on first use."""

    def __init__(self, read: Callable[[int], Pixels], long_side: int, side: int = SIDE) -> None:
        """Take what reads the picture, at no fewer pixels a side than it is asked for, and the file's long side.

        It gives uint8 [h, w, 3] in the order blue, green, red.
        """
        self._read, self.long_side, self._side = read, long_side, side
        raw = read(side)
        self.has_few_colours = has_few_colours(raw)
        self.pixels = shrink(raw, side)
        self.height, self.width = self.pixels.shape[:2]
        self._sized: tuple[tuple[int, int], Pixels] | None = None
        self.grey: Pixels = np.asarray(cv2.cvtColor(self.pixels, cv2.COLOR_BGR2GRAY))

    def closer(self, side: int) -> "ComparedPicture":
        """The same picture with more pixels, where the file has them."""
        return ComparedPicture(self._read, self.long_side, side)

    def raw(self) -> Pixels:
        """The pixels as they are read, before they are shrunk."""
        return self._read(self._side)

    @cached_property
    def whole(self) -> Box:
        """The box of all pixels."""
        return Box(0, 0, self.width, self.height)

    @cached_property
    def inside(self) -> Box:
        """The box without flat borders, as letterboxes and frames add them."""
        return trimmed(self.grey)

    @property
    def framed(self) -> bool:
        """Whether it has flat borders."""
        return self.inside != self.whole

    @cached_property
    def tinted(self) -> bool:
        """Whether it is grey or of one tint, as a sepia copy is: its colour grows with its light."""
        colours = cv2.resize(self.pixels, (48, 48), interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(float) @ YCC.T
        known = np.column_stack([colours[:, 0], np.ones(len(colours))])
        left = colours[:, 1:] - known @ np.linalg.lstsq(known, colours[:, 1:], rcond=None)[0]
        return float(np.hypot(*left.T).mean()) < TINT

    @cached_property
    def features(self) -> Features:
        """The keypoints; none where there are fewer than LEAST_FEATURES."""
        return find_features(self.grey)

    @cached_property
    def coarse(self) -> dict[Box, Coarse]:
        """The coarse view of the whole and of the inside."""
        return {box: self._coarse(box) for box in {self.whole, self.inside}}

    def _coarse(self, box: Box) -> Coarse:
        part = self.grey[box.top : box.bottom, box.left : box.right]
        view = np.asarray(cv2.resize(part, (GRID, GRID), interpolation=cv2.INTER_AREA), np.float64)
        view = (view - view.mean()) / GRID
        turned = [np.rot90(view[:, ::-1] if k >= 4 else view, k % 4).ravel() for k in range(8)]
        return Coarse(np.stack(turned), float(np.sqrt((view * view).sum())))

    def at(self, size: tuple[int, int]) -> Pixels:
        """The picture at another size (width, height); the last one asked for is kept."""
        if self._sized is None or self._sized[0] != size:
            self._sized = size, np.asarray(cv2.resize(self.pixels, size, interpolation=cv2.INTER_AREA))
        return self._sized[1]


def has_few_colours(pixels: Pixels) -> bool:
    """Whether some thousand pixels have so few colours that all may come from one palette."""
    step = max(1, round((pixels.shape[0] * pixels.shape[1] / PROBED) ** 0.5))
    return len(colours_in(pixels[::step, ::step])) <= PALETTE


def colours_in(pixels: Pixels) -> NDArray[np.uint32]:
    """The colours of uint8 [h, w, 3], each once: red in the lowest byte, then green, then blue."""
    return np.unique(pixels.reshape(-1, 3).astype(np.uint32) @ np.array([1, 1 << 8, 1 << 16], np.uint32))


def shrink(pixels: Pixels, side: int) -> Pixels:
    """Shrink a picture until its long side has at most `side` pixels."""
    height, width = pixels.shape[:2]
    share = side / max(height, width)
    if share >= 1:
        return np.ascontiguousarray(pixels)
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def trimmed(grey: Pixels) -> Box:
    """The box that is left without rows and columns of one grey at the borders."""
    height, width = grey.shape
    top, bottom = _borders(*_lines(grey, down=True))
    if height - bottom - top < LEAST_INSIDE:
        top = bottom = 0
    left, right = _borders(*_lines(grey[top : height - bottom], down=False))
    if width - right - left < LEAST_INSIDE:
        left = right = 0
    return Box(left, top, width - right, height - bottom)


def _lines(grey: Pixels, *, down: bool) -> tuple[Reals, Reals]:
    """Spread and mean of each row (`down` the picture) or of each column."""
    length = grey.shape[1 if down else 0]
    sums, squares = (
        np.asarray(cv2.reduce(grey, int(down), kind, dtype=cv2.CV_64F)).ravel() / length
        for kind in (cv2.REDUCE_SUM, cv2.REDUCE_SUM2)
    )
    return np.sqrt(np.maximum(squares - sums * sums, 0)), sums


def _borders(spread: Reals, mean: Reals) -> tuple[int, int]:
    return _run(spread, mean), _run(spread[::-1], mean[::-1])


def _run(spread: Reals, mean: Reals) -> int:
    """Length of the flat run at the start; runs of one or two lines are no border."""
    flat = (spread < FLAT_EDGE) & (np.abs(mean - mean[0]) < FLAT_EDGE)
    flat = flat[: int(np.ceil(len(flat) * BORDERS))]
    length = int(flat.argmin()) if not flat.all() else len(flat)
    return length if length > 2 else 0


def find_features(grey: Pixels) -> Features:
    """Find keypoints in a grey picture, its contrast stretched first."""
    low, high = np.percentile(grey[::4, ::4], (1, 99))
    if high - low < SPREAD:
        stretched = (grey.astype(np.float32) - low) * (255 / max(high - low, 10))
        grey = np.clip(stretched, 0, 255).astype(np.uint8)
    enlarged = 2 if max(grey.shape) < TINY else 1
    if enlarged > 1:
        grey = np.asarray(cv2.resize(grey, None, fx=enlarged, fy=enlarged, interpolation=cv2.INTER_CUBIC))
    found, descriptors = _sift().detectAndCompute(grey, None)
    if descriptors is None or len(found) < LEAST_FEATURES:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    places = np.array([point.pt for point in found], np.float32) / enlarged
    unit = np.sqrt(descriptors / np.maximum(descriptors.sum(1, keepdims=True), 1e-6))
    return Features(places, unit.astype(np.float32))


@cache
def _sift() -> Any:
    return cv2.SIFT_create(FEATURES, contrastThreshold=FAINT)  # type: ignore[attr-defined,unused-ignore]
