"""Make the bytes of the sample's files: unchanged images, copies as phones and web sites make them, and broken files.

The kinds of copies are among those of the copy-detection literature (DISC21, arXiv 2106.09672): re-encoding, scale,
brightness, mirror.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from curation.sample.mess_plan import SCRIBBLE, Item

Picture = Callable[[int], Image.Image]
TAG_ORIENTATION, ROTATED = 0x0112, 6  # EXIF: turn a quarter clockwise to see it upright
NOT_AN_IMAGE = b"This is a text file that somebody named .jpg.\n"
JPEGS = ("text", "empty", "truncated", "EXIF-rotated", "re-encoded")


def suffix(item: Item, number: int) -> str:
    """Return the suffix of the file. `number`, constant for an item, chooses between PNG and JPEG when both fit."""
    if item.kind in JPEGS:
        return ".jpg"
    return ".png" if item.kind == "16-bit" or number % 2 else ".jpg"


def encode(item: Item, picture: Picture, number: int) -> bytes:
    """Return the bytes of the file."""
    if item.kind in ("text", "empty"):
        return NOT_AN_IMAGE if item.kind == "text" else b""
    if item.kind == "truncated":
        data = _jpeg(picture(item.index), 92)
        return data[: len(data) * 6 // 10]
    if item.kind == "EXIF-rotated":
        return _rotated(picture(item.index))
    if item.kind == "16-bit":
        return _deep(picture(item.index))
    image = image_of(item, picture)
    return _jpeg(image, 70 if item.kind == "re-encoded" else 92) if suffix(item, number) == ".jpg" else _png(image)


def image_of(item: Item, picture: Picture) -> Image.Image:
    """Return the image of an item before it is encoded."""
    image = picture(item.index)
    if item.kind == "synthetic":
        return Image.blend(image, picture(item.other), 0.5)
    if item.kind == SCRIBBLE:
        return _halves(image, picture(item.other))
    change = CHANGES.get(item.kind)
    return change(image) if change else image


def _larger(image: Image.Image) -> Image.Image:
    return image.resize((image.width * 3 // 2, image.height * 3 // 2), Image.Resampling.LANCZOS)


def _brighter(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.12)


def _darker(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(0.85)


def _staged(image: Image.Image) -> Image.Image:
    """Make the image look staged: few tones, light that fades from right to left, and a frame."""
    flat = ImageOps.posterize(image, 3)
    lamp = np.linspace(0.7, 1.1, flat.width)[None, :]
    pixels = np.asarray(flat, dtype=np.float32) * (lamp if flat.mode == "L" else lamp[..., None])
    lit = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return ImageOps.expand(lit, max(1, image.width // 12), fill=230 if lit.mode == "L" else (230, 230, 230))


def _halves(upper: Image.Image, lower: Image.Image) -> Image.Image:
    turned = lower.transpose(Image.Transpose.ROTATE_90)
    middle = upper.height // 2
    both = upper.copy()
    both.paste(turned.crop((0, middle, turned.width, turned.height)), (0, middle))
    return both


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def _jpeg(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def _rotated(image: Image.Image) -> bytes:
    """Store the image rotated, with the EXIF tag that says so."""
    exif = Image.Exif()
    exif[TAG_ORIENTATION] = ROTATED
    stream = io.BytesIO()
    image.transpose(Image.Transpose.ROTATE_90).save(stream, "JPEG", quality=92, exif=exif)
    return stream.getvalue()


def _deep(image: Image.Image) -> bytes:
    """Store the image with 16 bits for each grey pixel, as microscopes and X-ray machines do."""
    grey = np.asarray(image.convert("L"), dtype=np.uint16) * np.uint16(257)
    return _png(Image.fromarray(grey))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "resized": _larger,
    "brightened": _brighter,
    "flipped": ImageOps.mirror,
    "staged": _staged,
    "copy, other label": _brighter,
    "copy, pool": _darker,
    "copy, benchmark": _brighter,
}
