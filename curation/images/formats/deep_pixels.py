"""Pixels of more than 8 bits, brought to 8 bits so that a person sees the picture.

Cameras, microscopes and X-ray machines write 10, 12 or 14 bits into 16-bit files, and some programs write real numbers.
The white of such a file is what the file states (PNG's sBIT, TIFF's MaxSampleValue, the last number of a PPM's header,
the depth of a JPEG 2000), else what its values use. OpenCV decodes them, because Pillow drops the lower byte of 16-bit
colours, shows some white pixels of 16-bit JPEG 2000 as black, and can't read real-number colours at all.
"""

import re

import numpy as np
import numpy.typing as npt
from PIL import Image

from curation.images.formats.deep_tiff import (
    PHOTOMETRIC,
    WHITE_IS_ZERO,
    cover_of,
    is_deep_tiff,
    picture_directory,
    read_deep_lab,
    read_deep_tiff,
    with_opencv,
)
from curation.images.formats.refused import Refused

MAX_SAMPLE_VALUE = 281
PPM_HEADER = re.compile(rb"P([2356])(?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+(\d+)")
WIDTHS = (8, 10, 12, 14, 16, 24, 32)  # bits that real devices deliver
REAL_RANGES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # what real numbers usually mean
OVER = 0.1  # resampling and sharpening push some real numbers so far beyond their range
BRIGHT = 16.0  # real numbers up to here are shares of white, as in pictures of high contrast, and not grey levels
SIZE_OF_JP2 = b"\xff\x51"  # the marker of the segment that tells the depth

Array = npt.NDArray[np.generic]
Bytes = npt.NDArray[np.uint8]


def is_deep(data: bytes, name: str) -> bool:
    """Whether a PNG, PPM, JPEG 2000 or TIFF holds more than 8 bits a sample, or signed ones."""
    if name == "JPEG2000":
        return _depth_of_jp2(data) > 8
    if name == "PNG":
        return data[24:25] == b"\x10"
    if name == "PPM":
        return data[:2] == b"PF" or _ppm_white(data) > 255
    return name == "TIFF" and is_deep_tiff(data)


def decode_deep(data: bytes, name: str, clear: object = None) -> tuple[Image.Image, str] | None:
    """Decode what `is_deep` names to L, RGB, LAB or RGBA with a note on its scale; None where it is for Pillow.

    A TIFF comes upright. clear: the colour that a PNG calls transparent, as Pillow tells it, None where it has none.
    """
    if name == "TIFF" and (lab := read_deep_lab(data)) is not None:
        return Image.frombytes("LAB", lab.shape[1::-1], lab.tobytes()), ""
    found = read_deep_tiff(data) if name == "TIFF" else _parted(with_opencv(data))
    if found is None:
        return None
    colours, alpha = found
    shown, note = to_eight_bits(colours, _stated_white(data, name))
    if name == "TIFF" and picture_directory(data)[1].get(PHOTOMETRIC) == WHITE_IS_ZERO:
        shown = 255 - shown
    if alpha is not None:
        cover = cover_of(alpha)
    elif isinstance(clear, int) and colours.ndim == 2:  # OpenCV follows the transparent colour of RGB alone
        cover = np.where(colours == clear, 0, 255).astype(np.uint8)
    else:
        return Image.fromarray(shown), note
    return Image.fromarray(np.dstack([shown, cover])), note


def _parted(pixels: Array | None) -> tuple[Array, Array | None] | None:
    """Part colours from alpha."""
    if pixels is None or pixels.dtype == np.uint8 or (pixels.ndim == 3 and pixels.shape[2] not in {3, 4}):
        return None
    return (pixels, None) if pixels.ndim == 2 else (pixels[:, :, :3], pixels[:, :, 3] if pixels.shape[2] == 4 else None)


def to_eight_bits(pixels: Array, stated: float = 0.0) -> tuple[Bytes, str]:
    """Scale pixels of any number type to 0-255, and say in a note what was taken for white.

    pixels: [h, w] or [h, w, 3]; stated: the value of white that the file gives, 0 where it gives none.
    """
    real, signed = pixels.dtype.kind == "f", pixels.dtype.kind == "i"
    if pixels.dtype.kind == "c":
        raise Refused("complex numbers, which are no picture: save their size as a picture")
    values = np.nan_to_num(np.asarray(pixels, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.0))
    if real:
        low, high, note = _real_range(float(values.min()), high)
    elif low < 0:
        note = f"signed pixels, shown from {low:g} to {high:g}"
    else:
        low, high, note = _whole_range(high, stated, 8 * pixels.dtype.itemsize, signed=signed)
    values -= low
    values *= 255.0 / max(high - low, 1e-12)
    return (np.clip(values, 0, 255) + 0.5).astype(np.uint8), note


def _real_range(low: float, high: float) -> tuple[float, float, str]:
    """A range that real numbers usually have, where they keep within it but for a few; else that of the values."""
    top = next((top for top in REAL_RANGES if high <= top * (1 + OVER)), high)
    if REAL_RANGES[0] * (1 + OVER) < high <= BRIGHT:
        top = high
    low, high = (0.0, top) if low >= -OVER * top else (low, high)
    return low, high, f"real-number pixels, shown from {low:g} to {high:g}"


def _whole_range(high: float, stated: float, container: int, *, signed: bool) -> tuple[float, float, str]:
    if stated:
        if high > stated:  # PNG's sBIT: the values fill the container
            return 0.0, float(2**container - 1), ""
        bits = round(float(np.log2(stated + 1)))
        return 0.0, stated, "" if bits >= container else f"{bits}-bit values in {container}-bit pixels, as it states"
    most = container - signed
    used = min(next((width for width in WIDTHS if high < 2**width), most), most)
    note = f"{used}-bit values in {container}-bit pixels, by what its values use" if used < most else ""
    return 0.0, float(2**used - 1), note


def _stated_white(data: bytes, name: str) -> float:
    """The value of white that a file states, 0 when it states none.

    By the PNG standard, values with an sBIT fill all 16 bits. Some writers leave them at the lower end instead, and
    then none is above the white that is given here.
    """
    if name == "PNG":
        at = data.find(b"sBIT", 0, 4096)
        return 2.0 ** data[at + 4] - 1 if at > 0 and 8 < data[at + 4] <= 16 else 0.0
    if name == "PPM":
        return _ppm_white(data) if _ppm_white(data) < 65535 else 0.0
    if name == "JPEG2000":
        return 2.0 ** _depth_of_jp2(data) - 1 if _depth_of_jp2(data) < 16 else 0.0
    stated = picture_directory(data)[1].get(MAX_SAMPLE_VALUE, 0)
    return float(max(stated) if isinstance(stated, tuple) else stated)


def _depth_of_jp2(data: bytes) -> int:
    """The bits a sample that the header of a JPEG 2000 tells, 0 where it tells none (ISO/IEC 15444-1, A.5.1)."""
    at = data.find(SIZE_OF_JP2) + 40
    return (data[at] & 0x7F) + 1 if 40 <= at < len(data) else 0


def _ppm_white(data: bytes) -> float:
    """The value of white in the header of a PGM or PPM; 0 for its other kinds."""
    found = PPM_HEADER.match(data[:4096])
    return float(found.group(2)) if found else 0.0
