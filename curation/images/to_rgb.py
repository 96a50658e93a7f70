"""From any kind of pixels to upright 8-bit RGB, as a viewer would show them.

Deep pixels are scaled, not clipped; transparent ones lie on a stated colour; CMYK goes through its ICC profile where
it carries one.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms, ImageColor

ORIENTATION_TAG = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def orientation(image: Image.Image) -> int:
    """Read the EXIF orientation, 1 to 8; damaged EXIF counts as none."""
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - whatever broken metadata raises, the pixels are still good
        return 1
    return value if value in TURNS else 1


def upright(image: Image.Image, turn: int) -> Image.Image:
    """Turn or flip an image as EXIF orientation `turn` asks."""
    return image.transpose(TURNS[turn]) if turn in TURNS else image


def to_rgb(image: Image.Image, background: str = "white") -> Image.Image:
    """Convert a loaded image of any mode to RGB."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        image = scaled(image)
    if image.has_transparency_data:
        return _composite(image.convert("RGBA"), background)
    if image.mode in {"CMYK", "LAB"}:
        image = _through_profile(image)
    return image.convert("RGB")


def scaled(image: Image.Image) -> Image.Image:
    """Bring integer or real pixels of more than 8 bits to 0-255.

    16-bit pixels keep their place in 0-65535. Others use the range that their values suggest: 0-1, 0-255, 0-65535,
    or from their least to their greatest.
    """
    pixels = np.nan_to_num(np.asarray(image, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(pixels.min()), float(pixels.max())
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    else:
        tops = (1.0, 255.0, 65535.0) if image.mode == "F" else (65535.0,)
        fitting = [top for top in tops if low >= 0 and high <= top]
        low, high = (0.0, fitting[0]) if fitting else (low, high)
    pixels -= low
    pixels *= 255.0 / max(high - low, 1e-12)
    return Image.fromarray((pixels + 0.5).astype(np.uint8))


def _composite(image: Image.Image, background: str) -> Image.Image:
    under = Image.new("RGB", image.size, ImageColor.getrgb(background)[:3])
    under.paste(image, mask=image.getchannel("A"))
    return under


def _through_profile(image: Image.Image) -> Image.Image:
    try:
        profile: ImageCms.ImageCmsProfile | BytesIO
        profile = ImageCms.createProfile("LAB") if image.mode == "LAB" else BytesIO(image.info["icc_profile"])  # type: ignore[assignment]
        turned = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (KeyError, ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return turned or image
