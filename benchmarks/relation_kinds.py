"""The named edits of benchmarks/relations.py: EASY, HARD and OVERLAYS (what they mean stands in relation_edits.py)."""

# ruff: noqa: ARG005 - every edit has the same two arguments

import numpy as np
import relation_edits as edits
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from relation_edits import Edit, Turn

Color: type[ImageEnhance.Color] = ImageEnhance.Color
Contrast, Brightness = ImageEnhance.Contrast, ImageEnhance.Brightness
LUMA = np.array([0.3, 0.59, 0.11])
SEPIA = edits.pixels(lambda values, random: (values @ LUMA)[..., None] * [1.0, 0.85, 0.65])

EASY: dict[str, Edit] = {
    "JPEG quality 10": lambda image, random: edits.saved(image, "JPEG", quality=10),
    "JPEG quality 30": lambda image, random: edits.saved(image, "JPEG", quality=30),
    "WebP quality 20": lambda image, random: edits.saved(image, "WEBP", quality=20),
    "half the size": edits.scaled(0.5),
    "160 pixels": lambda image, random: ImageOps.contain(image, (160, 160)),
    "64 pixels": lambda image, random: ImageOps.contain(image, (64, 64)),
    "squeezed to a square": lambda image, random: image.resize((224, 224)),
    "blur 2": lambda image, random: image.filter(ImageFilter.GaussianBlur(2)),
    "noise 20": edits.pixels(lambda values, random: values + random.normal(0, 20, values.shape)),
    "grey": lambda image, random: image.convert("L").convert("RGB"),
    "brighter by 30%": edits.enhanced(Brightness, 1.3),
    "darker by 30%": edits.enhanced(Brightness, 0.7),
    "mirrored": lambda image, random: image.transpose(Turn.FLIP_LEFT_RIGHT),
    "turned by 90 degrees": lambda image, random: image.transpose(Turn.ROTATE_90),
    "upside down": lambda image, random: image.transpose(Turn.ROTATE_180),
    "crop 5% a side": edits.crop(0.05, 0.05, 0.05, 0.05),
}
HARD: dict[str, Edit] = {
    "GIF palette": lambda image, random: edits.saved(image, "GIF"),
    "noise 40": edits.pixels(lambda values, random: values + random.normal(0, 40, values.shape)),
    "blur 4": lambda image, random: image.filter(ImageFilter.GaussianBlur(4)),
    "sharpened": lambda image, random: image.filter(ImageFilter.UnsharpMask(3, 150, 2)),
    "sepia": SEPIA,
    "saturation 0.3": edits.enhanced(Color, 0.3),
    "saturation 2": edits.enhanced(Color, 2.0),
    "warm white balance": edits.pixels(lambda values, random: values * [1.2, 1.0, 0.75]),
    "gamma 0.5": edits.pixels(lambda values, random: 255 * (values / 255) ** 0.5),
    "gamma 2": edits.pixels(lambda values, random: 255 * (values / 255) ** 2),
    "contrast 0.5": edits.enhanced(Contrast, 0.5),
    "contrast 2": edits.enhanced(Contrast, 2.0),
    "equalised": lambda image, random: ImageOps.equalize(image),
    "vignette": edits.pixels(edits.vignette),
    "crop 10% a side": edits.crop(0.1, 0.1, 0.1, 0.1),
    "crop 15% a side": edits.crop(0.15, 0.15, 0.15, 0.15),
    "crop up to 15% a side": edits.random_crop(0.15),
    "crop 20% of the right": edits.crop(0, 0, 0.2, 0),
    "crop to a corner, 20%": edits.corner(0.2),
    "crop to 16:9": lambda image, random: ImageOps.fit(image, (640, 360)),
    "centre square": lambda image, random: ImageOps.fit(image, (300, 300)),
    "letterbox 20%": edits.framed(0, 0.2, 0, 0.2, "black"),
    "padded to a square, white": edits.square("white"),
    "padded to a square, grey": edits.square("#727272"),
    "padded to a square, blurred": edits.blurred_square,
    "frame 8%": edits.framed(0.08, 0.08, 0.08, 0.08, "white"),
    "polaroid": edits.framed(0.05, 0.05, 0.05, 0.25, "white"),
    "screenshot, dark": edits.screenshot(dark=True),
    "screenshot, light": edits.screenshot(dark=False),
    "turned by up to 2 degrees": edits.rotated(2, 0.5),
    "turned by 2 to 5 degrees": edits.rotated(5, 2),
    "turned by 5 to 10 degrees": edits.rotated(10, 5),
    "turned and cropped": edits.turned_and_cropped,
    "perspective": edits.perspective,
    "watermark over all": edits.stock_mark,
    "crop, smaller, contrast, colour": edits.combined(
        edits.crop(0.06, 0.04, 0.03, 0.08), edits.scaled(0.5), edits.enhanced(Contrast, 1.3), edits.enhanced(Color, 0.7)
    ),
    "crop, mirrored, blur": edits.combined(
        edits.crop(0.1, 0.02, 0.02, 0.1),
        EASY["mirrored"],
        lambda image, random: image.filter(ImageFilter.GaussianBlur(1)),
    ),
    "crop, frame, sepia": edits.combined(
        edits.random_crop(0.1),
        edits.framed(0.06, 0.06, 0.06, 0.06, "black"),
        SEPIA,
    ),
    "turned, JPEG quality 30": edits.combined(edits.rotated(5, 2), EASY["JPEG quality 30"]),
}
OVERLAYS: dict[str, Edit] = {
    "logo": edits.drawn(edits.logo),
    "date": edits.drawn(edits.date),
    "caption": edits.drawn(edits.caption),
    "black box": edits.drawn(edits.box),
    "annotation": edits.drawn(edits.annotation),
}


def suffix(kind: str) -> str:
    """What the file of an edit is named as: a palette is kept by a GIF file only."""
    return ".gif" if kind == "GIF palette" else ".jpg"


def save(image: Image.Image, path: str, random: np.random.Generator) -> None:
    """Save a GIF, or a JPEG of quality 80 to 95."""
    if path.endswith(".gif"):
        image.save(path)
    else:
        image.convert("RGB").save(path, quality=int(random.integers(80, 96)))
