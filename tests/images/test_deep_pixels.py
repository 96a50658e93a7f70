"""Pixels of more than 8 bits, in every arrangement and number type: the same picture as its 8-bit form, with a note."""

from io import BytesIO

import numpy as np
import pytest
from factories.odd_files import wide_gamut
from PIL import Image, ImageCms

from curation.images.opening import UnreadableImage, decode

tifffile = pytest.importorskip("tifffile")
KINDS = {
    "half": lambda grey: (grey / 255).astype(np.float16),
    "double": lambda grey: (grey / 255).astype(np.float64),
    "12 bits in 16": lambda grey: grey.astype(np.uint16) * 16,
    "16 bits": lambda grey: grey.astype(np.uint16) * 257,
    "12 bits in 32": lambda grey: grey.astype(np.uint32) * 16,
    "12 bits in 64": lambda grey: grey.astype(np.uint64) * 16,
    "signed": lambda grey: grey.astype(np.int16) * 16,
}
NOTES = {"half": "real-number", "double": "real-number", "16 bits": "", "signed": "12-bit"}


def written(pixels, **how):
    stream = BytesIO()
    tifffile.imwrite(stream, pixels, **how)
    return stream.getvalue()


def close(found, seen):
    return float(np.abs(np.asarray(found, float) - np.asarray(seen.convert("RGB"), float)).max()) <= 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("how", ["contig", "separate", "grey", "white is zero", "with alpha", "tiled", "bigtiff"])
def test_a_deep_tiff_shows_its_picture_however_it_is_laid_out(picture, kind, order, how):
    seen = picture(3) if how in {"contig", "separate"} else picture(3).convert("L")
    plain, more = np.asarray(seen), {}
    if how == "separate":
        plain, more = np.moveaxis(plain, 2, 0), {"planarconfig": "separate"}
    elif how == "white is zero":
        plain, more = 255 - plain, {"photometric": "miniswhite"}
    elif how == "with alpha":
        plain, more = np.dstack([plain, np.full_like(plain, 255)]), {"extrasamples": ["unassalpha"]}
    elif how == "tiled":
        more = {"tile": (32, 32)}
    elif how == "bigtiff":
        more = {"bigtiff": True}
    colours = "rgb" if how in {"contig", "separate"} else "minisblack"
    pixels = KINDS[kind](plain)
    if how == "with alpha" and pixels.dtype.kind in "iu":
        pixels[:, :, 1] = np.iinfo(pixels.dtype).max
    if (how, order) == ("bigtiff", ">"):
        with pytest.raises(UnreadableImage, match="save it as TIFF"):
            decode(written(pixels, byteorder=order, **more), "x.tif")
        return
    found = decode(written(pixels, byteorder=order, **{"photometric": colours, **more}), "x.tif")
    if kind == "signed" and how == "with alpha":
        return  # what signed cover means, no standard says; it is read
    assert close(found.image, seen), found.note
    assert NOTES.get(kind, "12-bit values in") in found.note
    assert bool(found.note) == (kind != "16 bits")


@pytest.mark.parametrize("kind", ["half", "16 bits"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_deep_tiff_that_lacks_pixels_is_refused(picture, kind, share):
    data = written(KINDS[kind](np.asarray(picture(3))), photometric="rgb")
    with pytest.raises(UnreadableImage):
        decode(data[: int(len(data) * share)], "x.tif")


def test_the_profile_of_a_deep_tiff_is_followed(picture):
    seen, profile = picture(4), wide_gamut()
    found = decode(written(KINDS["16 bits"](np.asarray(seen)), photometric="rgb", iccprofile=profile), "x.tif").image
    wanted = ImageCms.profileToProfile(
        seen, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert close(found, wanted)
    assert not close(found, seen)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(("white", "told"), [(4095, "as it states"), (65535, "by what its values use")])
def test_a_netpbm_file_is_scaled_by_the_white_of_its_header_or_by_what_it_uses(picture, colour, white, told):
    seen = picture(5).convert("RGB" if colour else "L")
    body = (np.asarray(seen).astype(">u2") * 16).astype(">u2").tobytes()
    head = f"P{6 if colour else 5}\n# by a microscope\n{seen.width} {seen.height}\n{white}\n".encode()
    found = decode(head + body, "x.ppm")
    assert close(found.image, seen)
    assert found.note == f"12-bit values in 16-bit pixels, {told}"


def test_packed_values_of_12_bits_fill_the_range(picture):
    seen = picture(6).convert("L")
    pairs = (np.asarray(seen).astype(np.uint32) * 16 + 8).reshape(-1, 2)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1)
    data = bytearray(written(packed.astype(np.uint8).reshape(seen.height, -1)))
    with tifffile.TiffFile(BytesIO(data)) as file:
        tags = file.pages[0].tags
        for name, value in (("ImageWidth", seen.width), ("BitsPerSample", 12)):
            at = tags[name].valueoffset
            data[at : at + 2] = value.to_bytes(2, "little")
    assert close(decode(bytes(data), "x.tif").image, seen)


@pytest.mark.parametrize("name", ["PF\n3 3\n-1.0\n", "v/1\x01", "#?RADIANCE\n"])
def test_formats_of_real_numbers_that_are_not_read_are_named(name):
    with pytest.raises(UnreadableImage, match="save it as TIFF or PNG"):
        decode(name.encode() + bytes(200), "x")


@pytest.mark.parametrize(("form", "end"), [("JPEG2000", 2), ("QOI", 8), ("GIF", 1), ("PNG", 12)])
def test_a_file_that_lacks_its_end_mark_alone_is_read_with_a_note(picture, encoded, form, end):
    data = encoded(picture(2), form)
    found, whole = decode(data[:-end], "x"), decode(data, "x")
    assert np.array_equal(np.asarray(found.image), np.asarray(whole.image))
    assert "miss" in found.note
    assert not whole.note
    with pytest.raises(UnreadableImage):
        decode(data[:-200], "x")


def test_a_webp_that_lacks_its_byte_of_padding_alone_is_read_with_a_note(picture, encoded):
    for seed in range(20):
        data = encoded(picture(seed), "WEBP", quality=80)
        if int.from_bytes(data[16:20], "little") % 2:
            assert "padding" in decode(data[:-1], "x").note
            assert np.array_equal(*(np.asarray(decode(one, "x").image) for one in (data, data[:-1])))
        with pytest.raises(UnreadableImage):
            decode(data[:-2], "x")


def test_a_palette_with_a_profile_is_followed(picture, encoded):
    image, profile = picture(4).quantize(64), wide_gamut()
    wanted = ImageCms.profileToProfile(
        image.convert("RGB"), ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
    )
    assert close(decode(encoded(image, "PNG", icc_profile=profile), "x").image, wanted)


def test_blank_deep_pictures_are_read(tmp_path):
    assert decode(written(np.zeros((8, 8), np.float32)), "x").image.getextrema() == ((0, 0),) * 3
    nothing = np.full((8, 8), np.nan, np.float32)
    assert isinstance(decode(written(nothing), "x").image, Image.Image)
