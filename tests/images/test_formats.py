"""Files that other readers get wrong: each is read as a person sees it, with a note, or refused by name."""

import sys
from io import BytesIO

import numpy as np
import pytest
from factories.odd_files import bmp_without_alpha, dicom, mosaic_dng, tiff, wide_gamut, with_gamma
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from curation.images.formats.deep_pixels import to_eight_bits
from curation.images.formats.headers_without_magic import by_header
from curation.images.image_measures import Settings, measure_opened
from curation.images.opening import UnreadableImage, decode
from curation.params import Params


def apart(one, other):
    """Mean difference of two pictures in grey levels."""
    return float(np.abs(np.asarray(one.convert("RGB"), float) - np.asarray(other.convert("RGB"), float)).mean())


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("end", ["none", "half", "zeros", "exif"])
@pytest.mark.parametrize("reduce_to", [None, 32])
def test_a_jpeg_without_its_end_mark_is_read_with_a_note(picture, mode, progressive, end, reduce_to):
    for seed in range(4):
        stream = BytesIO()
        exif = Image.Exif()
        exif[0x112] = 6
        more = {"exif": exif} if end == "exif" else {}
        picture(seed).convert(mode).save(stream, "JPEG", quality=90, progressive=progressive, **more)
        whole = stream.getvalue()
        cut = {"none": whole[:-2], "half": whole[:-1], "zeros": whole[:-2] + bytes(30), "exif": whole[:-2]}[end]
        found, expected = decode(cut, "x.jpg", reduce_to), decode(whole, "x.jpg", reduce_to)
        assert np.array_equal(np.asarray(found.image), np.asarray(expected.image))
        assert "end mark is missing" in found.note or (mode == "CMYK" and end == "zeros")  # zeros are taken for pixels
        assert (found.width, found.height) == (expected.width, expected.height)
        assert not expected.note


@pytest.mark.parametrize("share", [0.3, 0.7, 0.9, 0.98])
@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_a_jpeg_that_lacks_pixels_is_still_refused(picture, encoded, share, mode):
    data = encoded(picture(1, (300, 200)).convert(mode), "JPEG", quality=90)
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


def test_a_raw_file_is_developed(picture):
    pytest.importorskip("rawpy")
    seen = picture(2, (320, 240))
    found = decode(mosaic_dng(np.asarray(seen)), "x.dng")
    assert found.format == "RAW"
    assert "developed from a camera's raw file" in found.note
    assert abs(found.width - 320) <= 8
    shown, wanted = (np.asarray(one.convert("L").resize((32, 24)), float).ravel() for one in (found.image, seen))
    assert np.corrcoef(shown, wanted)[0, 1] > 0.8


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


@pytest.mark.parametrize("mode", ["RGB", "P", "L", "RGBA"])
def test_the_gamma_of_a_png_is_followed(picture, encoded, mode):
    image = picture(6).convert(mode)
    wanted = (255 * (np.asarray(image.convert("RGB")) / 255.0) ** (1 / 2.2)).round()
    found = decode(with_gamma(encoded(image, "PNG"), 1.0), "x").image
    assert np.abs(np.asarray(found, float) - wanted).max() <= 1


def test_a_bitmap_whose_alpha_is_nothing_shows_its_colours(picture):
    pixels = np.asarray(picture(7))
    found = decode(bmp_without_alpha(pixels), "x.bmp")
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
    seen = picture(9).convert("L")
    found = decode(dicom(255 - np.asarray(seen), PhotometricInterpretation="MONOCHROME1"), "x.dcm")
    assert found.format == "DICOM"
    low, high = seen.getextrema()
    assert apart(found.image, seen.point(lambda value: (value - low) * 255 / (high - low))) < 2
    assert "shown from" in found.note


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


OLD = [("TGA", {}), ("TGA", {"compression": "tga_rle"}), ("PCX", {}), ("DIB", {}), ("PPM", {})]


@pytest.mark.parametrize(("form", "options"), OLD)
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA"])
def test_old_formats_are_known_by_their_header(picture, form, options, mode):
    shown = picture(4).convert(mode)
    stream = BytesIO()
    try:
        shown.save(stream, form, **options)
    except (OSError, ValueError):
        pytest.skip(f"Pillow writes no {mode} as {form}")
    data = stream.getvalue()
    if form == "TGA":
        data = data.removesuffix(b"\0" * 8 + b"TRUEVISION-XFILE.\0")  # as programs wrote it before 1989
    found = decode(data, "x")
    assert found.format == form
    assert np.array_equal(np.asarray(found.image), np.asarray(shown.convert("RGB")))
    with pytest.raises(UnreadableImage):
        decode(data[: len(data) // 2], "x")


@given(st.binary(max_size=200))
def test_random_bytes_are_of_no_format_without_a_magic_number(data):
    assert by_header(data) == ""


PAM_KINDS = {"BLACKANDWHITE": 1, "GRAYSCALE": 1, "GRAYSCALE_ALPHA": 2, "RGB": 3, "RGB_ALPHA": 4, "CMYK": 4}


@pytest.mark.parametrize("kind", PAM_KINDS)
@pytest.mark.parametrize("most", [1, 15, 255, 1023, 65535])
def test_a_pam_is_read(picture, kind, most):
    depth = PAM_KINDS[kind]
    grey = np.asarray(picture(5).convert("L"), np.float64)[:, :, None]
    values = np.repeat(grey, depth, 2) / 255
    if depth in {2, 4} and kind != "CMYK":
        values[:, :, -1] = 1.0
    samples = np.rint(values * most).astype(np.uint8 if most < 256 else ">u2")
    words = f"P7\n# a remark\nWIDTH 120\nHEIGHT 90\nDEPTH {depth}\nMAXVAL {most}\nTUPLTYPE {kind}\nENDHDR\n"
    data = words.encode() + samples.tobytes()
    found = decode(data, "x.pam")
    assert (found.format, found.width, found.height) == ("PAM", 120, 90)
    if kind != "CMYK":
        assert apart(found.image, Image.fromarray(np.rint(samples[:, :, 0] * (255 / most)).astype(np.uint8))) < 1
    with pytest.raises(UnreadableImage, match="truncated"):
        decode(data[:-1], "x.pam")
    for wrong in (b"DEPTH 9", b"DEPTH 0", b"DEPTH x"):
        with pytest.raises(UnreadableImage):
            decode(data.replace(f"DEPTH {depth}".encode(), wrong), "x.pam")


@pytest.mark.parametrize("photometric", [8, 9])
def test_lab_of_sixteen_bits_is_seen_as_lab_of_eight_is(picture, photometric):
    lab = ImageCms.profileToProfile(
        picture(6), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    stored = np.frombuffer(lab.tobytes(), np.uint8).reshape(90, 120, 3).astype(np.uint16) * 257
    if photometric == 8:
        stored[:, :, 1:] ^= 0x8000
    found = decode(tiff(stored, photometric=photometric), "x.tif")
    assert found.format == "TIFF"
    assert apart(found.image, picture(6)) < 3
