"""Files as devices and other programs write them, which many readers get wrong, as bytes."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest


def tiff(pixels, **tags):
    """A plain TIFF of any number type, with the tags that matter here."""
    high, wide = pixels.shape[:2]
    depth = pixels.shape[2] if pixels.ndim == 3 else 1
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    entries = {
        256: wide,
        257: high,
        259: 1,
        262: tags.pop("photometric", 2 if depth == 3 else 1),
        277: depth,
        278: high,
        279: pixels.nbytes,
        **{int(tag[1:]): value for tag, value in tags.items()},
    }
    lists = {258: [8 * pixels.dtype.itemsize] * depth, 339: [kind] * depth}
    count = len(entries) + len(lists) + 1
    more = 8 + 2 + 12 * count + 4
    extra, rows = b"", []
    for tag, values in lists.items():
        packed = struct.pack(f"<{depth}H", *values)
        if depth <= 2:
            rows.append((tag, struct.pack("<HHI", tag, 3, depth) + packed.ljust(4, b"\0")))
        else:
            rows.append((tag, struct.pack("<HHII", tag, 3, depth, more + len(extra))))
            extra += packed
    rows += [(tag, struct.pack("<HHII", tag, 4, 1, value)) for tag, value in entries.items()]
    rows.append((273, struct.pack("<HHII", 273, 4, 1, more + len(extra))))
    body = b"".join(row for _, row in sorted(rows))
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    return b"II*\0" + struct.pack("<IH", 8, count) + body + bytes(4) + extra + data


def mosaic_dng(colours):
    """A DNG as cameras write it: the sensor's mosaic (RGGB, linear), white at 4095."""
    linear = (colours.astype(np.float64) / 255) ** 2.2 * 4095
    cfa = np.zeros(colours.shape[:2], np.uint16)
    for y, x, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        cfa[y::2, x::2] = linear[y::2, x::2, channel]
    tifffile = pytest.importorskip("tifffile")
    stream = BytesIO()
    matrix = [(10000, 10000) if at % 4 == 0 else (0, 10000) for at in range(9)]
    tags = [
        (50706, "B", 4, bytes([1, 4, 0, 0]), False),
        (50708, "s", 0, "Toy", False),
        (33421, "H", 2, (2, 2), False),
        (33422, "B", 4, bytes([0, 1, 1, 2]), False),
        (50714, "H", 1, 0, False),
        (50717, "H", 1, 4095, False),
        (50721, "2i", 9, [number for pair in matrix for number in pair], False),
        (50728, "2I", 3, [1, 1] * 3, False),
        (50778, "H", 1, 21, False),
    ]
    tifffile.imwrite(stream, cfa, photometric=32803, extratags=tags, metadata=None)
    return stream.getvalue()


def wide_gamut():
    """An ICC profile of RGB with other primaries than sRGB's, made of a curve and a matrix."""

    def fixed(value):
        return struct.pack(">i", round(value * 65536))

    def xyz(*values):
        return b"XYZ " + bytes(4) + b"".join(map(fixed, values))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(2.2 * 256)) + bytes(2)
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"wide\0" + bytes(78)
    parts = {
        b"desc": text + bytes(-len(text) % 4),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.6097, 0.3111, 0.0195),
        b"gXYZ": xyz(0.2053, 0.6257, 0.0609),
        b"bXYZ": xyz(0.1492, 0.0632, 0.7446),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
        b"cprt": b"text" + bytes(4) + b"none" + bytes(4),
    }
    return _profile(b"RGB ", parts)


def grey_profile(gamma):
    """An ICC profile of grey with a gamma."""
    white = b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(value * 65536)) for value in (0.9642, 1.0, 0.8249))
    parts = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"grey\0" + bytes(79),
        b"wtpt": white,
        b"kTRC": b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2),
        b"cprt": b"text" + bytes(4) + b"none" + bytes(4),
    }
    return _profile(b"GRAY", parts)


def _profile(colours, parts):
    """An ICC profile for a monitor, of its parts."""
    at, table, body = 128 + 4 + 12 * len(parts), b"", b""
    for name, part in parts.items():
        table += name + struct.pack(">II", at + len(body), len(part))
        body += part
    head = struct.pack(">I4sI4s4s4s", at + len(body), bytes(4), 0x02400000, b"mntr", colours, b"XYZ ")
    light = (struct.pack(">i", round(value * 65536)) for value in (0.9642, 1.0, 0.8249))
    head += bytes(12) + b"acsp" + bytes(28) + b"".join(light)
    return head.ljust(128, b"\0") + struct.pack(">I", len(parts)) + table + body


def bmp_without_alpha(pixels):
    """A 32-bit BMP whose alpha bytes are all 0, as GDI and Photoshop write them."""
    high, wide = pixels.shape[:2]
    bgra = np.dstack([pixels[:, :, ::-1], np.zeros((high, wide), np.uint8)])[::-1].tobytes()
    head = struct.pack("<IiiHHIIiiII", 108, wide, high, 1, 32, 3, len(bgra), 2835, 2835, 0, 0)
    head += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(bgra), 0, 0, 14 + len(head)) + head + bgra


def with_gamma(png, gamma):
    """A PNG with a chunk that tells its gamma."""
    return with_chunk(png, b"gAMA", struct.pack(">I", round(gamma * 100000)))


def with_chunk(png, kind, load):
    """A PNG with one more chunk, behind its header."""
    chunk = kind + load
    return png[:33] + struct.pack(">I", len(load)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[33:]


def dicom(grey, **facts):
    """A DICOM image of 12 bits in 16 without a window, with further facts by keyword."""
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("x", {}, file_meta=meta, preamble=bytes(128))
    image.Rows, image.Columns, image.SamplesPerPixel = *grey.shape, 1
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.PhotometricInterpretation = "MONOCHROME2"
    image.PixelData = (grey.astype("<u2") * 16).tobytes()
    for name, value in facts.items():
        setattr(image, name, value)
    stream = BytesIO()
    pydicom.dcmwrite(stream, image)
    return stream.getvalue()
