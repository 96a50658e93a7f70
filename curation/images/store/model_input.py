"""The pixels that a model sees, defined once: from an opened image to uint8 [size, size, 3].

The pixel store, the evaluation, the identification of new files and the server all use this module, so one file always
gives the same pixels. Stores of large images hold JPEGs, and a JPEG changes the pixels a little. A model that learnt
from such a store must see the same change everywhere: `ModelInput` says how the store encoded its pixels, the
checkpoint's header carries it, and `ModelInput.pixels` encodes and decodes a new image in memory in the same way. The
cost is measured by benchmarks/model_input.py.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from curation.errors import CurationError
from curation.images.opening import Opened, decode

Bytes = NDArray[np.uint8]

DEFAULTS: Mapping[str, Any] = {"kind": "array", "quality": 0, "background": "white"}


class ModelInputError(CurationError):
    """A description of a model's input that this version does not know."""


@dataclass(frozen=True)
class ModelInput:
    """How a model's pixels are made: their size, the encoding of its pixel store, the colour behind transparency."""

    size: int  # pixels, square
    kind: Literal["array", "jpeg"] = "array"
    quality: int = 0  # of the JPEGs; 0 for an array
    background: str = "white"  # what shows through transparent pixels

    @classmethod
    def of(cls, size: int, facts: Mapping[str, Any]) -> "ModelInput":
        """Read what `facts` wrote. Nothing stands for an array on white, also in checkpoints older than this record."""
        known = {**DEFAULTS, **facts}
        if set(known) != set(DEFAULTS) or known["kind"] not in ("array", "jpeg"):
            raise ModelInputError(f"a model input of {dict(facts)} is not known to this version: install a newer one")
        return cls(size, **known)

    def facts(self) -> dict[str, Any]:
        """What a header or a store has to say besides the size: all that differs from an array on white."""
        return {name: value for name, value in asdict(self).items() if name != "size" and value != DEFAULTS[name]}

    def open(self, data: bytes, path: str, max_megapixels: float) -> Opened:
        """Open an image from a file's bytes at a scale that suits the model; `path` is for messages.

        Raises UnreadableImage.
        """
        return decode(data, path, self.size, self.background, max_megapixels)

    def pixels(self, image: Image.Image, turn: int = 0) -> Bytes:
        """Make the pixels uint8 [size, size, 3] of an image from `open`, turned clockwise by `turn` degrees."""
        return self.from_stored(self.to_stored(image, turn))

    def to_stored(self, image: Image.Image, turn: int = 0) -> bytes:
        """Make the bytes that a pixel store holds of an image from `open`: raw pixels or a JPEG."""
        pixels = upright(square(image, self.size), turn)
        if self.kind == "array":
            return pixels.tobytes()
        data: bytes = simplejpeg.encode_jpeg(pixels, quality=self.quality, colorspace="RGB", colorsubsampling="444")
        return data

    def from_stored(self, data: bytes | Bytes, out: Bytes | None = None) -> Bytes:
        """Make pixels of what `to_stored` gave; of a JPEG, in the memory `out` where it is given."""
        if self.kind == "array":
            return np.frombuffer(data, np.uint8).reshape(self.size, self.size, 3)
        pixels: Bytes = simplejpeg.decode_jpeg(data, colorspace="RGB", buffer=out)
        return pixels


def square(image: Image.Image, size: int) -> Bytes:
    """Squeeze an image into a square: uint8 [size, size, 3], filtered against aliasing.

    Nothing is cut off, which matters where the object is at the edge. The change of aspect is within what training
    with random aspect ratios is used to (Szegedy et al. 2015 take 3/4 to 4/3).
    """
    if image.mode != "RGB":
        image = image.convert("RGB")
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(image, dtype=np.uint8)


def upright(pixels: Bytes, turn: int) -> Bytes:
    """Turn square pixels clockwise by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(pixels, -turn // 90))
