"""DICOM, the format of medical images: the first frame, with the window that the file asks for. It needs pydicom."""

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from curation.images.formats.deep_pixels import to_eight_bits
from curation.images.formats.refused import Refused

FAR = 2**30  # beyond the values of any image

Array = npt.NDArray[Any]


def read_dicom(data: bytes) -> tuple[Image.Image, str]:
    """Decode the first frame to L or RGB, and a note on its scale; Refused says why it can't be."""
    try:
        import pydicom
        from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
        from pydicom.pixels.utils import pixel_array
    except ImportError:
        raise Refused("a DICOM image: reading it needs pydicom: pip install 'curation[dicom]'") from None
    facts = pydicom.dcmread(BytesIO(data))
    if "PixelData" not in facts:
        raise Refused("a DICOM file without a picture")
    pixels = pixel_array(facts, index=0)
    if facts.get("PhotometricInterpretation") == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, facts)
    if pixels.ndim == 3:
        shown, note = to_eight_bits(pixels)
        return Image.fromarray(shown), note
    windowed, low, high, told = _windowed(apply_modality_lut(pixels, facts), facts)
    scaled = (windowed - low) * (255.0 / max(high - low, 1e-12))
    if facts.get("PhotometricInterpretation") == "MONOCHROME1":  # its least value is white
        scaled = 255.0 - scaled
    frames = int(facts.get("NumberOfFrames", 1) or 1)
    notes = ("" if told else f"shown from {low:g} to {high:g}", f"the first of {frames} frames" if frames > 1 else "")
    return Image.fromarray((scaled + 0.5).astype(np.uint8)), "; ".join(filter(None, notes))


def _windowed(values: Array, facts: Any) -> tuple[Array, float, float, bool]:
    """Apply the window that the file asks for: the values, what is black and what is white, whether it asks for one.

    A window has its own black and white, which no pixel needs to reach: a dark picture stays dark.
    """
    from pydicom.pixels.processing import apply_voi_lut

    try:
        found, ends = (apply_voi_lut(of, facts).astype(np.float32) for of in (values, np.array([-FAR, FAR])))
    except (ValueError, NotImplementedError):  # a window that makes no sense is none
        found, ends = values.astype(np.float32), np.array([-FAR, FAR], np.float32)
    told = ends.tolist() != [-FAR, FAR]
    both = np.append(found, ends) if told else found
    return found, float(both.min()), float(both.max()), told
