"""Files that other readers get wrong: each is read as a person sees it, with a note, or refused by name."""

import struct
import sys
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from curation.images.formats.deep_pixels import to_eight_bits
from curation.images.image_measures import Settings, measure_opened
from curation.images.opening import UnreadableImage, decode
from curation.params import Params


def apart(one, other):
    """Mean difference of two pictures in grey levels."""
    return float(np.abs(np.asarray(one.convert("RGB"), float) - np.asarray(other.convert("RGB"), float)).mean())


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


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("end", ["none", "half", "zeros", "exif"])
@pytest.mark.parametrize("reduce_to", [None, 32])
def test_a_jpeg_without_its_end_mark_is_read_with_a_note(picture, progressive, end, reduce_to):
    for seed in range(8):
        stream = BytesIO()
        exif = Image.Exif()
        exif[0x112] = 6
        more = {"exif": exif} if end == "exif" else {}
        picture(seed).save(stream, "JPEG", quality=90, progressive=progressive, **more)
        whole = stream.getvalue()
        cut = {"none": whole[:-2], "half": whole[:-1], "zeros": whole[:-2] + bytes(30), "exif": whole[:-2]}[end]
        found, expected = decode(cut, "x.jpg", reduce_to), decode(whole, "x.jpg", reduce_to)
        assert np.array_equal(np.asarray(found.image), np.asarray(expected.image))
        assert "end mark is missing" in found.note
        assert (found.width, found.height) == (expected.width, expected.height)
        assert not expected.note


@pytest.mark.parametrize("share", [0.3, 0.7, 0.9, 0.98])
def test_a_jpeg_that_lacks_pixels_is_still_refused(picture, encoded, share):
    data = encoded(picture(1, (300, 200)), "JPEG", quality=90)
    with pytest.raises(UnreadableImage, match="truncated"):
        decode(data[: int(share * len(data))], "x.jpg")


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_few_bits_in_a_wide_file_are_scaled_by_what_they_use(picture, bits, colour, form):
    import cv2

    seen = picture(3).convert("RGB" if colour else "L")
    plain = np.asarray(seen).astype(np.float64)
    deep = np.round(plain / 255 * (2**bits - 1)).astype(np.uint16)
    deep.flat[0] = 2**bits - 1
    stored = deep[:, :, ::-1] if colour else deep
    data = cv2.imencode(".png", stored)[1].tobytes() if form == "PNG" else tiff(deep)
    found = decode(data, "x")
    assert apart(found.image, seen) < 1
    assert f"{bits}-bit values in 16-bit pixels" in found.note


def test_what_the_file_states_holds_over_what_its_values_use(picture):
    dark = np.round(np.asarray(picture(3).convert("L")) / 255 * 900).astype(np.uint16)
    told = decode(tiff(dark, t281=4095), "x.tif")
    assert np.asarray(told.image).max() <= 57
    assert "12-bit values in 16-bit pixels, as it states" in told.note


def test_sixteen_bits_that_are_used_need_no_note(picture):
    deep = np.asarray(picture(3).convert("L")).astype(np.uint16) * 257
    assert decode(tiff(deep), "x.tif").note == ""


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("colour", [False, True])
def test_real_number_tiffs_are_read(picture, kind, colour):
    seen = picture(5).convert("RGB" if colour else "L")
    found = decode(tiff((np.asarray(seen) / 255).astype(kind)), "x.tif")
    assert apart(found.image, seen) < 1
    assert "real-number pixels, shown from 0 to 1" in found.note


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=64))
def test_scaling_keeps_order_and_stays_in_range(values):
    shown, _ = to_eight_bits(np.array([values], np.uint16))
    order = np.argsort(values, kind="stable")
    assert (np.diff(shown[0][order].astype(int)) >= 0).all()


@pytest.mark.parametrize("name", ["photo.dng", "photo.nef"])
def test_the_preview_of_a_raw_file_never_stands_for_it(name):
    preview = np.full((40, 60, 3), 90, np.uint8)
    more = {"t50706": 0x0401} if name.endswith("dng") else {"t330": 8}
    data = tiff(preview, t254=1, **more)
    with pytest.raises(UnreadableImage, match="a camera's raw file"):
        decode(data, name)


def test_a_raw_file_without_its_library_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(UnreadableImage, match=r"curation\[raw\]"):
        decode(tiff(np.zeros((4, 4, 3), np.uint8), t50706=0x0401), "x.dng")


def mosaic_dng(colours):
    """A DNG as cameras write it: the sensor's mosaic (RGGB, linear), white at 4095."""
    linear = (colours.astype(np.float64) / 255) ** 2.2 * 4095
    cfa = np.zeros(colours.shape[:2], np.uint16)
    for y, x, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        cfa[y::2, x::2] = linear[y::2, x::2, channel]
    tifffile = pytest.importorskip("tifffile")
    stream = BytesIO()
    matrix = [(10000, 10000), (0, 10000), (0, 10000)] * 3
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


def test_a_raw_file_is_developed(picture):
    pytest.importorskip("rawpy")
    seen = picture(2, (320, 240))
    found = decode(mosaic_dng(np.asarray(seen)), "x.dng")
    assert found.format == "RAW"
    assert "developed from a camera's raw file" in found.note
    assert abs(found.width - 320) <= 8
    shown, wanted = (np.asarray(one.convert("L").resize((32, 24)), float).ravel() for one in (found.image, seen))
    assert np.corrcoef(shown, wanted)[0, 1] > 0.8


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
    at, table, body = 128 + 4 + 12 * len(parts), b"", b""
    for name, part in parts.items():
        table += name + struct.pack(">II", at + len(body), len(part))
        body += part
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + struct.pack(">I", len(parts)) + table + body


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_embedded_profile_is_followed(picture, encoded, form):
    profile = wide_gamut()
    image = picture(4)
    how = {"JPEG": {"quality": 98}, "WEBP": {"lossless": True}}.get(form, {})
    found = decode(encoded(image, form, icc_profile=profile, **how), "x").image
    wanted = ImageCms.profileToProfile(
        image, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert apart(image, wanted) > 3
    assert apart(found, wanted) < 3


def test_the_usual_profile_changes_nothing(picture, encoded):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = picture(4)
    assert np.array_equal(np.asarray(decode(encoded(image, "PNG", icc_profile=srgb), "x").image), np.asarray(image))


def test_the_gamma_of_a_png_is_followed(picture):
    import zlib

    stream = BytesIO()
    image = picture(6)
    image.save(stream, "PNG")
    data = stream.getvalue()
    chunk = b"gAMA" + struct.pack(">I", 100000)
    linear = data[:33] + struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    wanted = (255 * (np.asarray(image) / 255.0) ** (1 / 2.2)).round()
    assert np.abs(np.asarray(decode(linear, "x").image, float) - wanted).max() <= 1


def test_a_bitmap_whose_alpha_is_nothing_shows_its_colours(picture):
    pixels = np.asarray(picture(7))
    high, wide = pixels.shape[:2]
    bgra = np.dstack([pixels[:, :, ::-1], np.zeros((high, wide), np.uint8)])[::-1].tobytes()
    head = struct.pack("<IiiHHIIiiII", 108, wide, high, 1, 32, 3, len(bgra), 2835, 2835, 0, 0)
    head += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
    data = b"BM" + struct.pack("<IHHI", 14 + len(head) + len(bgra), 0, 0, 14 + len(head)) + head + bgra
    found = decode(data, "x.bmp")
    assert np.array_equal(np.asarray(found.image), pixels)
    assert "wholly transparent: the colours under it are shown" in found.note


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_an_animation_that_begins_blank_shows_its_first_picture(picture, form):
    image = picture(8).convert("RGBA")
    blank = Image.new("RGBA", image.size, (0, 0, 0, 0))
    stream = BytesIO()
    how = {"lossless": True} if form == "WEBP" else {}
    blank.save(stream, form, save_all=True, append_images=[image, image], duration=100, **how)
    found = decode(stream.getvalue(), "x")
    assert apart(found.image, image) < 12
    assert "its first frame is blank: frame 2 of" in found.note


def test_white_glyphs_on_nothing_are_seen_and_differ(encoded):
    glyphs = []
    for at in (5, 30):
        glyph = np.zeros((64, 64, 4), np.uint8)
        glyph[..., :3] = 255
        glyph[at : at + 20, 10:50, 3] = 255
        glyphs.append(decode(encoded(Image.fromarray(glyph), "PNG"), "x"))
    assert all("laid on black" in found.note for found in glyphs)
    assert apart(*(found.image for found in glyphs)) > 20
    config = Settings.of(Params())
    assert measure_opened(glyphs[0], config).hash != measure_opened(glyphs[1], config).hash


def test_dicom_is_read_with_its_window(picture):
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    seen = picture(9).convert("L")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    facts = FileDataset("x", {}, file_meta=meta, preamble=bytes(128))
    facts.Rows, facts.Columns, facts.SamplesPerPixel = seen.height, seen.width, 1
    facts.BitsAllocated, facts.BitsStored, facts.HighBit, facts.PixelRepresentation = 16, 12, 11, 0
    facts.PhotometricInterpretation = "MONOCHROME1"
    facts.PixelData = ((255 - np.asarray(seen)).astype("<u2") * 16).tobytes()
    stream = BytesIO()
    pydicom.dcmwrite(stream, facts)
    found = decode(stream.getvalue(), "x.dcm")
    assert found.format == "DICOM"
    low, high = seen.getextrema()
    assert apart(found.image, seen.point(lambda value: (value - low) * 255 / (high - low))) < 2


def test_jpeg_xl_is_read(picture):
    pytest.importorskip("pillow_jxl")
    stream = BytesIO()
    picture(1).save(stream, "JXL", quality=95)
    found = decode(stream.getvalue(), "x.jxl")
    assert found.format == "JXL"
    assert apart(found.image, picture(1)) < 4


@pytest.mark.parametrize(
    ("module", "data", "extra"),
    [
        ("pillow_jxl", b"\xff\x0a" + bytes(40), "jxl"),
        ("pydicom", bytes(128) + b"DICM" + bytes(40), "dicom"),
        ("rawpy", b"FUJIFILMCCD-RAW 0201" + bytes(40), "raw"),
    ],
)
def test_a_format_whose_library_is_missing_names_the_extra(monkeypatch, module, data, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UnreadableImage, match=rf"curation\[{extra}\]"):
        decode(data, "x")
