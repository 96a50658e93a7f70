"""Convert pixels of any kind to upright 8-bit RGB, as an image viewer shows them.

Pixels of more than 8 bits are scaled, not clipped. Transparent pixels show a stated colour. Embedded colour profiles
are followed. A picture that reads as blank although its file holds more is shown in the way that shows it, with a note.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms, ImageColor

from curation.images.colour_profile import to_srgb
from curation.images.formats.deep_pixels import to_eight_bits

ORIENTATION_TAG = 0x0112
GREY = {"L", "LA", "La"}
ANIMATED = {"GIF", "WEBP", "PNG", "AVIF"}
MOST_FRAMES = 50  # frames that are looked through for one that is not blank
FOR_COLOURS = {"icc_profile", "gamma", "srgb"}  # what a file may say of its colours
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
    """Read the EXIF orientation, 1 to 8; damaged EXIF counts as none.

    JPEG XL has an orientation of its own, which its decoder has followed, and its standard says to ignore that of EXIF.
    Only a JPEG that was packed into JPEG XL comes as it was, with its EXIF.
    """
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return 1
    try:
        value = image.getexif().get(ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - whatever broken metadata raises, the pixels are still good
        return 1
    return value if value in TURNS else 1


def upright(image: Image.Image, turn: int) -> Image.Image:
    """Turn or flip an image as EXIF orientation `turn` asks."""
    return image.transpose(TURNS[turn]) if turn in TURNS else image


def to_rgb(image: Image.Image, background: str = "white") -> tuple[Image.Image, str]:
    """Convert a loaded image of any mode to RGB in sRGB; a note says what was taken for granted, "" mostly."""
    note = ""
    if image.mode.startswith(("I", "F")):
        shown, note = to_eight_bits(np.asarray(image))
        image = Image.fromarray(shown)
    if image.mode == "La":
        image = image.convert("LA")  # Pillow divides its grey by its alpha in no other conversion
    if image.has_transparency_data:
        flat, more = _composite(image, background)
        return flat, "; ".join(filter(None, (note, more)))
    if image.mode in {"CMYK", "LAB"}:
        image = _through_profile(image)
    if image.mode == "P":
        image = image.convert("RGB")  # its profile and gamma are about the colours of the palette
    return to_srgb(image).convert("RGB"), note


def first_picture(image: Image.Image, background: str) -> tuple[Image.Image, str]:
    """Convert the first frame that shows something, as `to_rgb` does; animations may begin with a blank one."""
    first, note = to_rgb(image, background)
    frames = min(getattr(image, "n_frames", 1), MOST_FRAMES)
    if frames == 1 or image.format not in ANIMATED or not is_blank(first):
        return first, note
    for number in range(1, frames):
        image.seek(number)
        shown, _ = to_rgb(image, background)
        if not is_blank(shown):
            return shown, f"its first frame is blank: frame {number + 1} of {getattr(image, 'n_frames', 1)} is shown"
    return first, note


def is_blank(image: Image.Image) -> bool:
    """Whether every pixel has the same colour."""
    return all(low == high for low, high in _extrema(image))


def _extrema(image: Image.Image) -> list[tuple[float, float]]:
    found = image.getextrema()
    return list(found) if isinstance(found[0], tuple) else [found]


def _composite(image: Image.Image, background: str) -> tuple[Image.Image, str]:
    """Lay a transparent image on the background colour; where that shows nothing, show what the file does hold."""
    rgba = image.convert("RGBA")
    cover = rgba.getchannel("A")
    colours = rgba.getchannel("R") if image.mode in GREY else rgba.convert("RGB")  # as the profile expects them
    colours.info.update({key: value for key, value in image.info.items() if key in FOR_COLOURS})
    colours = to_srgb(colours).convert("RGB")
    flat = _on(background, colours, cover)
    if not is_blank(flat):
        return flat, ""
    if cover.getextrema() == (0, 0):
        held = "wholly transparent: the colours under it are shown"
        return (flat, "wholly transparent") if is_blank(colours) else (colours, held)
    other = "black" if sum(flat.getpixel((0, 0))) > 382 else "white"  # type: ignore[arg-type]
    against = _on(other, colours, cover)
    return (flat, "") if is_blank(against) else (against, f"nothing shows on {background}: laid on {other}")


def _on(background: str, colours: Image.Image, cover: Image.Image) -> Image.Image:
    under = Image.new("RGB", colours.size, ImageColor.getrgb(background)[:3])
    under.paste(colours, mask=cover)
    return under


def _through_profile(image: Image.Image) -> Image.Image:
    try:
        profile: ImageCms.ImageCmsProfile | BytesIO
        profile = ImageCms.createProfile("LAB") if image.mode == "LAB" else BytesIO(image.info["icc_profile"])  # type: ignore[assignment]
        turned = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (KeyError, ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    if turned is not None:
        turned.info.pop("icc_profile", None)
    return turned or image
