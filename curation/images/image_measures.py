"""What is measured of an image, and how the columns `hash` and `thumbnail` of the table `images` are laid out.

`hash`: 8 orientations (see `hashing.ORIENTATIONS`) x bits / 8 bytes, orientation 0 first, in imagehash's order of
bits. `thumbnail`: 32 x 32 grey bytes, then 8 x 8 x 2 bytes of colour (Cb, Cr), row by row; the whole picture squeezed
into a square, so that pictures of one shape compare cell by cell, and flat pictures of two colours differ. 1,152
bytes an image. `blur`: variance of the Laplacian (Pech-Pacheco et al. 2000) where the shorter side is 96 to 191
pixels: LOW is blurred. `brightness`: mean luma, `contrast`: its standard deviation, both 0 to 1. `hash_quality`:
PDQ's measure, 0 (flat) to 1.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.images.hashing import LANCZOS, detail, dihedral, doubtful, grid
from curation.images.opening import Opened, decode

if TYPE_CHECKING:
    import pandas as pd

    from curation.params import Params

GREY_SIDE, COLOUR_SIDE = 32, 8
GREY_BYTES = GREY_SIDE**2
THUMBNAIL_BYTES = GREY_BYTES + 2 * COLOUR_SIDE**2
LEAST_SIDE = 96


@dataclass(frozen=True)
class Settings:
    """What decides on a measure: the settings of `ingest` and `dedupe` that concern one file."""

    hash: str = "phash"
    bits: int = 64
    background: str = "white"
    max_megapixels: float = 250.0
    memory: int = 4000  # some decoders call it damage when memory is refused

    @classmethod
    def of(cls, params: "Params") -> "Settings":
        """Take them from params.yaml."""
        ingest, dedupe = params.ingest, params.dedupe
        return cls(dedupe.hash, dedupe.bits, ingest.background, float(ingest.max_megapixels), ingest.memory)

    @property
    def reduce_to(self) -> int:
        """Pixels of the shorter side that the hash needs: three to a cell of the grid it starts from."""
        return max(LEAST_SIDE, 12 * round(self.bits**0.5)) if self.hash != "pdq" else 256


class Measures(NamedTuple):
    """One image, measured; the names are columns of the table `images`, but for `camera`, which is in `metadata`."""

    format: str = ""
    width: int = 0
    height: int = 0
    note: str = ""
    error: str = ""
    hash: bytes = b""
    hash_quality: float = math.nan
    thumbnail: bytes = b""
    blur: float = math.nan
    brightness: float = math.nan
    contrast: float = math.nan
    captured_at: str = ""  # as EXIF tells it, which metadata.csv overrides, as it does the next
    camera: str = ""


def measure(data: bytes, path: str, settings: Settings) -> Measures:
    """Measure an image from its file's bytes; raises UnreadableImage.

    A JPEG is decoded at reduced scale; at full scale only where its hash would hang on the rounding, one in thirty.
    """
    opened = decode(data, path, settings.reduce_to, settings.background, settings.max_megapixels)
    found = measure_opened(opened, settings)
    if settings.hash != "phash" or max(opened.image.size) == max(opened.width, opened.height):
        return found
    cells = np.frombuffer(found.thumbnail, np.uint8, GREY_BYTES).reshape(GREY_SIDE, GREY_SIDE)
    if not doubtful(cells):
        return found
    return measure_opened(decode(data, path, None, settings.background, settings.max_megapixels), settings)


def measure_opened(opened: Opened, settings: Settings) -> Measures:
    """Measure an image that is open already."""
    image = opened.image
    grey = image.convert("L")
    cells = grid(grey, GREY_SIDE)
    around, brightness, contrast = _light(grey)
    return Measures(
        format=opened.format,
        width=opened.width,
        height=opened.height,
        note=opened.note,
        hash=dihedral(image if settings.hash == "pdq" else grey, settings.hash, settings.bits, cells).tobytes(),
        hash_quality=detail(cells),
        thumbnail=cells.tobytes() + _colours(image),
        blur=around,
        brightness=brightness,
        contrast=contrast,
        captured_at=opened.capture.captured_at,
        camera=opened.capture.camera,
    )


def thumbnail(image: Image.Image) -> bytes:
    """Make the thumbnail of an RGB image, as the column holds it."""
    return grid(image.convert("L"), GREY_SIDE).tobytes() + _colours(image)


def hashes(frame: "pd.DataFrame") -> NDArray[np.uint64]:
    """Turn the column `hash` into uint64 [n, 8 orientations, words]; rows without a hash are all zero.

    A hash of 144 bits fills three words, the last one with zeros behind it.
    """
    column = list(frame["hash"])
    size = max(map(len, column), default=64) or 64
    each = size // 8
    rows = np.frombuffer(b"".join(text or bytes(size) for text in column), np.uint8).reshape(-1, 8, each)
    padded = np.pad(rows, ((0, 0), (0, 0), (0, -each % 8)))
    return np.ascontiguousarray(padded).view(">u8").astype(np.uint64)


def thumbnails(frame: "pd.DataFrame") -> NDArray[np.uint8]:
    """Turn the column `thumbnail` into its grey part, uint8 [n, 32, 32]; rows without one are all zero."""
    return _thumbnail_bytes(frame)[:, :GREY_BYTES].reshape(-1, GREY_SIDE, GREY_SIDE)


def colours(frame: "pd.DataFrame") -> NDArray[np.uint8]:
    """Turn the column `thumbnail` into its colour part (Cb, Cr; 128 is none), uint8 [n, 8, 8, 2]."""
    return _thumbnail_bytes(frame)[:, GREY_BYTES:].reshape(-1, COLOUR_SIDE, COLOUR_SIDE, 2)


def _thumbnail_bytes(frame: "pd.DataFrame") -> NDArray[np.uint8]:
    blank = bytes(THUMBNAIL_BYTES)
    joined = b"".join(text or blank for text in frame["thumbnail"])
    return np.frombuffer(joined, np.uint8).reshape(-1, THUMBNAIL_BYTES)


def _colours(image: Image.Image) -> bytes:
    small = image.resize((COLOUR_SIDE, COLOUR_SIDE), Image.Resampling.BOX).convert("YCbCr")
    return np.asarray(small)[:, :, 1:].tobytes()


def _light(grey: Image.Image) -> tuple[float, float, float]:
    """Measure blur, brightness and contrast of a grey image, at a scale that does not depend on its size."""
    factor = min(grey.size) // LEAST_SIDE
    cells = np.asarray(grey.reduce(factor) if factor > 1 else grey)
    brightness, variance = _moments(cells)
    if min(cells.shape) < 3:
        return 0.0, brightness / 255.0, variance**0.5 / 255.0
    levels = cells.astype(np.int16)
    laplacian = levels[:-2, 1:-1] + levels[2:, 1:-1]
    laplacian += levels[1:-1, :-2]
    laplacian += levels[1:-1, 2:]
    laplacian -= 4 * levels[1:-1, 1:-1]
    return _moments(laplacian)[1], brightness / 255.0, variance**0.5 / 255.0


def _moments(values: NDArray[np.generic]) -> tuple[float, float]:
    """Mean and variance, from exact sums: the same on every machine."""
    flat = values.ravel().astype(np.int64)
    total, squares = int(flat.sum()), int(flat @ flat)
    mean = total / flat.size
    return mean, max(squares / flat.size - mean * mean, 0.0)


__all__ = [
    "LANCZOS",
    "Measures",
    "Settings",
    "colours",
    "hashes",
    "measure",
    "measure_opened",
    "thumbnail",
    "thumbnails",
]
