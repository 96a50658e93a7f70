"""Decoders for formats that need more than Pillow: deep pixels, raw files of cameras, DICOM."""
