"""Pictures in arrangements that readers get wrong: turned, reduced, covered, profiled. Each shows its picture."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from factories.odd_files import dicom, grey_profile, tiff, with_chunk
from PIL import Image

from curation.images.opening import UnreadableImage, decode
from curation.images.to_rgb import TURNS

tifffile = pytest.importorskip("tifffile")
DEEP = {
    "16 bits": lambda plain: plain.astype(np.uint16) * 257,
    "half": lambda plain: (plain / 255).astype(np.float16),
    "real": lambda plain: (plain / 255).astype(np.float32),
}


def written(*pages):
    """A TIFF of pages, each an array and how to write it."""
    stream = BytesIO()
    with tifffile.TiffWriter(stream) as file:
        for pixels, how in pages:
            file.write(pixels, **{"photometric": "rgb" if pixels.ndim == 3 else "minisblack", **how})
    return stream.getvalue()


def turned_to(turn):
    return {"extratags": [(274, "H", 1, turn, True)]}


def apart(found, seen):
    return float(np.abs(np.asarray(found, float) - np.asarray(seen.convert("RGB"), float)).max())


def laid_on_white(plain, cover):
    share = cover[..., None] / 255
    colours = plain if plain.ndim == 3 else np.dstack([plain] * 3)
    return Image.fromarray((colours * share + 255 * (1 - share) + 0.5).astype(np.uint8))


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("planes", ["contig", "separate", "tiled"])
def test_a_deep_tiff_is_turned_upright_once(picture, turn, kind, planes):
    seen = picture(2, (48, 32))
    pixels, how = DEEP[kind](np.asarray(seen)), turned_to(turn)
    if planes == "separate":
        pixels, how = np.moveaxis(pixels, 2, 0), how | {"planarconfig": "separate"}
    elif planes == "tiled":
        how |= {"tile": (16, 16)}
    wanted = seen.transpose(TURNS[turn]) if turn in TURNS else seen
    found = decode(written((pixels, how)), "x.tif")
    assert (found.width, found.height) == wanted.size
    assert apart(found.image, wanted) <= 1


@pytest.mark.parametrize("small", ["uint8", "uint16"])
@pytest.mark.parametrize("large", ["uint8", "uint16", "float16"])
def test_a_preview_in_front_of_a_tiffs_picture_never_stands_for_it(picture, small, large):
    seen = picture(3, (96, 64))
    preview = (np.asarray(seen.resize((24, 16))).astype(small), {"subfiletype": 1})
    scale = {"uint8": 1, "uint16": 257, "float16": 1 / 255}[large]
    shown = (np.asarray(seen, float) * scale + (0 if large == "float16" else 0.5)).astype(large)
    found = decode(written(preview, (shown, turned_to(6))), "x.tif")
    assert (found.width, found.height) == (64, 96)
    assert apart(found.image, seen.transpose(TURNS[6])) <= 1
    assert "its first picture is a small preview: picture 2 is shown" in found.note
    alone = decode(written(preview), "x.tif")
    assert (alone.width, alone.height) == (24, 16)


@pytest.mark.parametrize("kind", ["8 bits", "16 bits", "real"])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("cover", ["unassalpha", "assocalpha"])
def test_colours_that_are_multiplied_by_their_alpha_are_divided_by_it(picture, kind, colour, cover):
    plain = np.asarray(picture(4, (64, 48)).convert("RGB" if colour else "L")).astype(float)
    alpha = np.asarray(Image.linear_gradient("L").resize((64, 48))).astype(float)
    share = alpha[..., None] / 255 if colour else alpha / 255
    stored = np.dstack([plain * share if cover == "assocalpha" else plain, alpha])
    stored = {"8 bits": stored, "16 bits": stored * 257, "real": stored / 255}[kind]
    kinds = {"8 bits": np.uint8, "16 bits": np.uint16, "real": np.float32}
    stored = (stored if kind == "real" else np.round(stored)).astype(kinds[kind])
    how = {"extrasamples": [cover], "planarconfig": "contig", "photometric": "rgb" if colour else "minisblack"}
    found = decode(written((stored, how)), "x.tif")
    assert apart(found.image, laid_on_white(plain, alpha)) <= 3


@pytest.mark.parametrize("over", [1.003, 1.05])
def test_real_numbers_a_little_beyond_their_range_are_not_shown_as_black(picture, over):
    seen = picture(5).convert("L")
    plain = np.asarray(seen) / 255
    for pixels in (plain * over, plain - 0.004, np.where(plain > 0.9, np.nan, plain * over)):
        found = decode(tiff(pixels.astype(np.float32)), "x.tif")
        kept = np.isfinite(pixels)
        off = np.abs(np.asarray(found.image, float)[..., 0] - np.clip(pixels, 0, 1) * 255)[kept]
        assert off.max() <= 1
        assert "shown from 0 to 1" in found.note


@pytest.mark.parametrize("top", [3.0, 200.0, 255.0, 4095.0, 60000.0, 90000.0])
def test_real_numbers_of_any_size_show_a_picture_and_say_their_range(picture, top):
    plain = np.asarray(picture(5).convert("L")) / 255
    plain = plain / plain.max()
    found = decode(tiff((plain * top).astype(np.float32)), "x.tif")
    assert np.asarray(found.image).max() >= 199
    assert "real-number pixels, shown from 0 to" in found.note


def test_signed_numbers_fill_the_range(picture):
    seen = picture(6).convert("L")
    plain = np.asarray(seen).astype(np.int16)
    spread = (plain - plain.min()) * 255.0 / np.ptp(plain)
    assert apart(decode(tiff(plain * 128), "x.tif").image, seen) <= 1.5
    assert decode(tiff(plain * 128), "x.tif").note == ""
    found = decode(tiff((plain - 128).astype(np.int8)), "x.tif")
    assert np.abs(np.asarray(found.image, float)[..., 0] - spread).max() <= 1
    assert "signed pixels" in found.note


def test_many_planes_of_8_bits_show_the_first(picture):
    seen = picture(6).convert("L")
    planes = np.stack([np.asarray(seen)] * 6)
    found = decode(written((planes, {"planarconfig": "separate", "photometric": "minisblack"})), "x.tif")
    assert apart(found.image, seen) == 0


def test_what_is_no_picture_is_refused_and_never_shown_as_black(picture):
    grey = np.asarray(picture(7).convert("L"))
    with pytest.raises(UnreadableImage, match="complex numbers"):
        decode(written(((grey / 255).astype(np.complex64), {})), "x.tif")
    empty = bytearray(tiff(grey.astype(np.uint16) * 257))
    at = empty.index(struct.pack("<HHI", 279, 4, 1)) + 8
    empty[at : at + 4] = bytes(4)
    with pytest.raises(UnreadableImage, match="truncated"):
        decode(bytes(empty), "x.tif")
    packed = bytearray(tiff(grey.astype(np.uint16) * 257))
    at = packed.index(struct.pack("<HHI", 259, 4, 1)) + 8
    packed[at : at + 4] = struct.pack("<I", 34887)
    with pytest.raises(UnreadableImage, match=r"packed with LERC: reading it needs imagecodecs"):
        decode(bytes(packed), "x.tif")


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("colour", [False, True])
def test_a_deep_jpeg_2000_shows_its_picture(picture, bits, colour):
    import cv2

    seen = Image.fromarray(np.where(np.asarray(picture(8)) > 128, 255, 0).astype(np.uint8))
    seen = seen if colour else seen.convert("L")
    plain = np.asarray(seen)[:, :, ::-1] if colour else np.asarray(seen)
    deep = plain if bits == 8 else plain.astype(np.uint16) * (257 if bits == 16 else 16)
    data = cv2.imencode(".jp2", deep, [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000])[1].tobytes()
    found = decode(data, "x.jp2")
    assert apart(found.image, seen) <= 12
    assert ("in 16-bit pixels" in found.note) == (bits == 12)


@pytest.mark.parametrize("gamma", [1.0, 1.8])
@pytest.mark.parametrize("mode", ["L", "LA"])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_the_profile_of_a_grey_picture_is_followed_also_with_alpha(picture, encoded, gamma, mode, form):
    seen = picture(9).convert("L")
    light = (np.asarray(seen) / 255) ** gamma
    wanted = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055) * 255
    found = decode(encoded(seen.convert(mode), form, icc_profile=grey_profile(gamma)), "x").image
    bright = np.asarray(seen) > 16  # below, steps of a linear table are seen
    assert np.abs(np.asarray(found, float)[..., 0] - wanted)[bright].max() <= 2


def test_the_transparent_grey_of_a_deep_png_is_seen_through(picture):
    plain = np.asarray(picture(1).convert("L"))
    clear = int(plain[0, 0])
    deep = Image.fromarray(plain.astype(np.uint16) * 257)
    stream = BytesIO()
    deep.save(stream, "PNG")
    found = decode(with_chunk(stream.getvalue(), b"tRNS", struct.pack(">H", clear * 257)), "x.png").image
    assert apart(found, Image.fromarray(np.where(plain == clear, 255, plain).astype(np.uint8))) <= 1


@pytest.mark.parametrize("stated", [False, True])
def test_twelve_bits_in_a_png_are_seen_whether_it_states_them_or_not(picture, stated):
    seen = picture(2)
    deep = (np.asarray(seen).astype(np.uint32) * 4095 // 255).astype(">u2")
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in deep))
    head = struct.pack(">IIBBBBB", *seen.size, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", head), (b"sBIT", b"\x0c" * 3), (b"IDAT", body), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(load)) + kind + load + struct.pack(">I", zlib.crc32(kind + load))
        for kind, load in parts
        if stated or kind != b"sBIT"
    )
    assert apart(decode(data, "x.png").image, seen) <= 1


@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_jpeg_xl_is_turned_as_its_standard_says(picture, tmp_path, turn):
    """A JPEG packed whole is turned by its EXIF; for pixels of its own the format has an orientation of its own."""
    pytest.importorskip("pillow_jxl")
    seen, exif, path = picture(3, (96, 64)), Image.Exif(), tmp_path / "x.jpg"
    exif[274] = turn
    seen.save(path, quality=95, exif=exif)
    wanted = seen.transpose(TURNS[turn]) if turn in TURNS else seen
    for whole in (True, False):
        stream = BytesIO()
        with Image.open(path) as image:
            image.save(stream, "JXL", lossless_jpeg=whole, lossless=True)
        found = decode(stream.getvalue(), "x.jxl")
        assert (found.width, found.height) == (wanted if whole else seen).size
        off = np.asarray(found.image, float) - np.asarray(wanted if whole else seen, float)
        assert np.abs(off).mean() < 8


def test_a_dark_dicom_stays_dark_within_its_window_and_a_window_without_width_is_none(picture):
    grey = np.asarray(picture(4).convert("L")) // 4
    found = decode(dicom(grey, WindowCenter=2048, WindowWidth=4096), "x.dcm")
    assert apart(found.image, Image.fromarray(grey)) <= 1
    assert found.note == ""
    several = decode(dicom(grey, WindowCenter=[2048, 9], WindowWidth=[4096, 3]), "x.dcm")
    assert np.array_equal(np.asarray(several.image), np.asarray(found.image))
    for nothing in (0, None):
        spread = decode(dicom(grey, WindowCenter=2048, WindowWidth=nothing), "x.dcm")
        assert spread.image.getextrema()[0] == (0, 255)
        assert "shown from" in spread.note
