"""Decode JPEGs with libjpeg-turbo (simplejpeg), at a reduced scale where that is enough, which is much faster.

A plain and complete JPEG does not go through Pillow's parser. One with EXIF, XMP, a colour profile, four colours or a
fault does, because Pillow handles these and shows what is left of a damaged file.
"""

from contextlib import suppress

import simplejpeg
from PIL import Image

MODES = {"Gray": "GRAY", "YCbCr": "RGB", "RGB": "RGB"}
START_OF_SCAN, APP1, APP2 = 0xDA, 0xE1, 0xE2
END = b"\xff\xd9"
NO_END = "the end mark is missing; every pixel is there"


def size_of_plain(data: bytes) -> tuple[int, int, str] | None:
    """Width, height and colours of a JPEG of one or three colours without EXIF, XMP or profile; None for others."""
    try:
        high, wide, colours, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError:
        return None
    return (wide, high, MODES[colours]) if colours in MODES and not _has_metadata(data) else None


def decode_plain(data: bytes, colours: str, reduce_to: int | None) -> Image.Image:
    """Decode to RGB or L, the shorter side at least `reduce_to`; ValueError in libjpeg's words if anything is wrong."""
    least = reduce_to or 0
    pixels = simplejpeg.decode_jpeg(data, colours, min_height=least, min_width=least)
    return Image.fromarray(pixels[:, :, 0] if colours == "GRAY" else pixels)


def decode_any(data: bytes, header: Image.Image, reduce_to: int | None) -> tuple[Image.Image, str]:
    """Decode what Pillow has opened, and tell what libjpeg complained of."""
    note = ""
    if header.mode in {"RGB", "L"}:
        colours = "RGB" if header.mode == "RGB" else "GRAY"
        try:
            return _like(header, decode_plain(data, colours, reduce_to)), ""
        except ValueError as error:
            note = f"damaged JPEG: {error}".replace("Corrupt JPEG data: ", "")
        with suppress(ValueError):  # libjpeg complains when a pixel is missing, and then the file is truncated
            return _like(header, decode_plain(ended(data), colours, reduce_to)), NO_END
    if reduce_to:
        wide, high = header.size
        shrink = max(min(wide, high) / reduce_to, 1.0)
        header.draft(header.mode, (int(wide / shrink), int(high / shrink)))
    header.load()
    return header, note


def _like(header: Image.Image, image: Image.Image) -> Image.Image:
    """Hand on the colour profile that the header carries."""
    if profile := header.info.get("icc_profile"):
        image.info["icc_profile"] = profile
    return image


def ended(data: bytes) -> bytes:
    """The same JPEG with an end mark, as some webcams and recorders leave it out; ValueError where it has one."""
    rest = data.rstrip(b"\0")
    if rest.endswith(END):
        raise ValueError("it has an end mark")
    if rest.endswith(b"\xff") and len(rest) < len(data):
        rest += b"\0"  # a stuffed byte, which belongs to the picture
    return rest + END


def _has_metadata(data: bytes) -> bool:
    """Whether a segment before the picture may turn it (APP1) or holds its colour profile (APP2)."""
    at = 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        kind = data[at + 1]
        if kind == START_OF_SCAN:
            return False
        if kind in {APP1, APP2}:
            return True
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return True
