"""Perceptual hashes, bit for bit those of imagehash (and PDQ's), under the eight flips and rotations at once.

phash, dhash, ahash and whash follow imagehash 4.3 (J. Buchner; the methods are N. Krawetz's and D. Petrov's); pdq is
Meta's PDQ (2019) through pdqhash. imagehash hashes one image at a time; here the one small grey grid is turned eight
ways, and for phash the DCT itself: a mirrored image changes the sign of its odd coefficients, a transposed one
transposes them. (In drawings so regular that coefficients tie, imagehash's bits are rounding errors; here ties are 0.)
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.errors import CurationError

Bits = NDArray[np.bool_]
Grid = NDArray[np.uint8]
ORIENTATIONS = (
    "as it is",
    "turned left",
    "upside down",
    "turned right",
    "mirrored",
    "mirrored and turned left",
    "mirrored and upside down",
    "mirrored and turned right",
)
KINDS = ("phash", "dhash", "ahash", "whash", "pdq")
LANCZOS = Image.Resampling.LANCZOS
UNIT = 2**20
NOISE = 16 * UNIT**2  # what decoding at an eighth of the scale may do to a coefficient of a grid of 32 x 32
STEPS = np.arange(256, dtype=np.int64) * 100 // 255


class HashError(CurationError):
    """A hash that is not there in the size or on the machine asked for."""


def orient(pixels: NDArray[np.generic], index: int, axes: tuple[int, int] = (0, 1)) -> NDArray[np.generic]:
    """Turn an array as orientation `index` says: from 4 on mirrored, then turned left `index % 4` times."""
    turned = np.flip(pixels, axes[1]) if index >= 4 else pixels
    return np.rot90(turned, index % 4, axes)


def check(kind: str, bits: int) -> None:
    """Raise HashError if the hash `kind` can't be made with so many bits here."""
    if kind == "pdq":
        _pdq()
        if bits != 256:
            raise HashError(f"dedupe.bits is {bits}: a pdq hash has 256 bits; set dedupe.bits to 256")
    if kind == "whash" and bits == 144:
        raise HashError("dedupe.bits is 144: a whash has 64 or 256 bits (its side is a power of two)")


def dihedral(image: Image.Image, kind: str, bits: int, cells: Grid | None = None) -> NDArray[np.uint8]:
    """Hash an RGB image under its eight orientations: uint8 [8, bits / 8], the first bit highest as in imagehash.

    `cells` is the grid of 32 x 32 that a phash of 64 bits starts from, where it has been made already.
    """
    if kind == "pdq":
        rows: Bits = _pdq_bits(image)
    elif kind == "phash" and cells is not None and cells.shape[0] ** 2 == 16 * bits:
        rows = phash_of(cells)
    else:
        grey = image if image.mode == "L" else image.convert("L")
        rows = METHODS[kind](grey, round(bits**0.5))
    return np.packbits(rows.reshape(8, -1), axis=1)


def grid(grey: Image.Image, wide: int, high: int | None = None) -> Grid:
    """Resize a grey image to a small grid, as imagehash does."""
    return np.asarray(grey.resize((wide, high or wide), LANCZOS))


def phash(grey: Image.Image, side: int) -> Bits:
    """DCT of a grid four times as wide; a bit for each low frequency above their median. bool [8, side * side]."""
    return phash_of(grid(grey, side * 4))


def phash_of(cells: Grid) -> Bits:
    """Hash a grid as `phash` does: every orientation is the same coefficients, moved and with other signs."""
    side = len(cells) // 4
    places, signs = turned_frequencies(side)
    turned = _low_frequencies(cells, side).ravel()[places] * signs
    ranked = np.sort(turned, axis=1)
    middle = side * side // 2
    twice = ranked[:, middle - 1] + ranked[:, middle]  # of the median of an even number
    return np.asarray(2 * turned > twice[:, None])


def ahash(grey: Image.Image, side: int) -> Bits:
    """A bit for each cell brighter than the mean. bool [8, side, side]."""
    cells = grid(grey, side)
    return _eight(cells > np.mean(cells))


def dhash(grey: Image.Image, side: int) -> Bits:
    """A bit for each cell brighter than its left neighbour. bool [8, side, side]."""
    wide, high = grid(grey, side + 1, side), grid(grey, side, side + 1)
    turned = [orient(high if index % 2 else wide, index).astype(np.int16) for index in range(8)]
    return np.stack([np.diff(cells, axis=1) > 0 for cells in turned])


def whash(grey: Image.Image, side: int) -> Bits:
    """A bit for each cell of the Haar wavelet's low band above the median. bool [8, side, side]."""
    import pywt  # type: ignore[import-untyped,unused-ignore]

    scale = max(2 ** int(np.log2(min(grey.size))), side)
    depth = int(np.log2(scale))
    coefficients = list(pywt.wavedec2(grid(grey, scale) / 255.0, "haar", level=depth))
    coefficients[0] *= 0
    low = pywt.wavedec2(pywt.waverec2(coefficients, "haar"), "haar", level=depth - int(np.log2(side)))[0]
    return _eight(low > np.median(low))


METHODS: dict[str, Callable[[Image.Image, int], Bits]] = {
    "phash": phash,
    "dhash": dhash,
    "ahash": ahash,
    "whash": whash,
}


def detail(cells: Grid) -> float:
    """Tell how much there is to hash, 0 (flat) to 1: PDQ's quality measure, the sum of steps between neighbours.

    PDQ sums it over a 64 x 64 grid and divides by 90; each step of a 32 x 32 grid covers twice the way, so by 45 here.
    """
    levels = cells.astype(np.int16)
    steps = sum(int(STEPS[np.abs(np.diff(levels, axis=axis))].sum()) for axis in (0, 1))
    return min(float(steps) / 45.0, 100.0) / 100.0


def doubtful(cells: Grid) -> bool:
    """Whether a phash of the grid hangs on rounding: two coefficients on either side of the median lie within noise."""
    side = len(cells) // 4
    ranked = np.sort(_low_frequencies(cells, side).ravel())
    middle = side * side // 2
    return bool(ranked[middle + 1] - ranked[middle - 2] < NOISE)


def _low_frequencies(cells: Grid, side: int) -> NDArray[np.int64]:
    """The first `side` x `side` coefficients of the DCT, in whole numbers: exact, so that ties are ties everywhere.

    SciPy's gives the same bits but where coefficients tie, and takes as long to import as a hundred images to hash.
    """
    waves = _waves(side, len(cells))
    found: NDArray[np.int64] = waves @ cells.astype(np.int64) @ waves.T
    return found


@cache
def _waves(low: int, cells: int) -> NDArray[np.int64]:
    """The `low` first cosines of the DCT-II over so many cells, in parts of UNIT: no sum here comes near 2^63."""
    angles = np.pi * np.arange(low)[:, None] * (2 * np.arange(cells) + 1) / (2 * cells)
    return np.asarray(np.rint(np.cos(angles) * UNIT), np.int64)


@cache
def turned_frequencies(side: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Where each coefficient comes from and with what sign, in each orientation: two arrays [8, side * side].

    Mirroring changes the sign of the odd columns; turning left transposes, then changes the sign of the odd rows.
    """
    odd = np.where(np.arange(side) % 2, -1, 1)
    places = np.arange(side * side).reshape(side, side)
    found, signs = [], []
    for index in range(8):
        place, sign = places, np.ones((side, side), np.int64)
        if index >= 4:
            sign = sign * odd
        for _ in range(index % 4):
            place, sign = place.T, sign.T * odd[:, None]
        found.append(place.ravel())
        signs.append(sign.ravel())
    return np.stack(found), np.stack(signs)


def _eight(bits: Bits) -> Bits:
    return np.stack([orient(bits, index) for index in range(8)])


@cache
def _pdq() -> Callable[..., tuple[NDArray[np.uint8], int]]:
    try:
        import pdqhash
    except ImportError:
        raise HashError("dedupe.hash is pdq, which needs pdqhash: pip install 'curation[pdq]'") from None
    compute: Callable[..., tuple[NDArray[np.uint8], int]] = pdqhash.compute
    return compute


def _pdq_bits(image: Image.Image) -> Bits:
    pixels = np.asarray(image.convert("RGB"))
    return np.stack([_pdq()(np.ascontiguousarray(orient(pixels, index)))[0] for index in range(8)]).astype(bool)
