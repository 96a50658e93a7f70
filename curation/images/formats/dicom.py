"""DICOM, the format of medical images: the first frame, with the window that the file asks for. It needs pydicom."""

from io import BytesIO

import numpy as np
from PIL import Image

from curation.images.formats.deep_pixels import to_eight_bits
from curation.images.formats.refused import Refused


def read_dicom(data: bytes) -> tuple[Image.Image, str]:
    """Decode the first frame to L or RGB, and a note on its scale; Refused says why it can't be."""
    try:
        import pydicom
        from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
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
    windowed = apply_voi_lut(apply_modality_lut(pixels, facts), facts).astype(np.float32)
    low, high = float(windowed.min()), float(windowed.max())
    scaled = (windowed - low) * (255.0 / max(high - low, 1e-12))
    if facts.get("PhotometricInterpretation") == "MONOCHROME1":  # its least value is white
        scaled = 255.0 - scaled
    frames = int(facts.get("NumberOfFrames", 1) or 1)
    told = any(name in facts for name in ("WindowCenter", "VOILUTSequence"))
    notes = ("" if told else f"shown from {low:g} to {high:g}", f"the first of {frames} frames" if frames > 1 else "")
    return Image.fromarray((scaled + 0.5).astype(np.uint8)), "; ".join(filter(None, notes))
