"""Colours as a screen shows them: embedded ICC profiles and PNG's gamma are followed to sRGB.

A picture in Adobe RGB or Display P3 that is read without its profile is up to 44 grey levels off. A profile that is
sRGB already, as most are, is recognised by what it does to a few colours, and then nothing is converted.
"""

from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

SRGB_GAMMA = 1 / 2.2
CLOSE = 2  # grey levels: a profile that moves no colour further is taken for sRGB
STEPS = 9  # colours an axis that are tried
Transform = ImageCms.ImageCmsTransform


def to_srgb(image: Image.Image) -> Image.Image:
    """Convert RGB or grey pixels through the ICC profile or the gamma that the image carries; others stay."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in {"RGB", "L"}:
        transform = _transform(bytes(profile), image.mode)
        return image if transform is None else ImageCms.applyTransform(image, transform) or image
    gamma = image.info.get("gamma")
    if gamma and not profile and "srgb" not in image.info and image.mode in {"RGB", "L"}:
        return _with_gamma(image, float(gamma))
    return image


@lru_cache(maxsize=64)
def _transform(profile: bytes, mode: str) -> Transform | None:
    """The way from a profile to sRGB; None where it is sRGB already, or no profile for such pixels."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        probe = _probe(mode)
        shown = ImageCms.applyTransform(probe, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    before, after = (np.asarray(one.convert("RGB"), np.int16) for one in (probe, shown or probe))
    return transform if np.abs(before - after).max() > CLOSE else None


def _probe(mode: str) -> Image.Image:
    """Colours from all over the space, in one small picture."""
    levels = np.linspace(0, 255, STEPS).astype(np.uint8)
    if mode == "L":
        return Image.fromarray(levels[None, :])
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(STEPS, -1, 3)
    return Image.fromarray(np.ascontiguousarray(cube))


def _with_gamma(image: Image.Image, gamma: float) -> Image.Image:
    """Apply PNG's gAMA, as the standard asks of a viewer (ISO/IEC 15948, 13.13)."""
    if not 0.05 < gamma < 20 or abs(gamma - SRGB_GAMMA) < 0.005:
        return image
    levels = np.arange(256) / 255.0
    table = (255.0 * levels ** (SRGB_GAMMA / gamma) + 0.5).astype(np.uint8).tolist()
    return image.point(table * len(image.getbands()))
