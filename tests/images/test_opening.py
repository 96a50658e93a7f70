"""open_image shows a file as a person sees it, or says why it can't."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from curation.images.opening import UnreadableImage, decode, open_image

TURN_BACK = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def difference(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return float(np.abs(np.asarray(one.convert("RGB"), float) - np.asarray(other.convert("RGB"), float)).mean())


def read(data: bytes, reduce_to: int | None = None, background: str = "white") -> Image.Image:
    return decode(data, "x", reduce_to, background).image


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(picture, encoded, form, orientation):
    if form == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    upright = picture(1)
    turn = TURN_BACK[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(upright.transpose(turn) if turn is not None else upright, form, exif=exif.tobytes())
    opened = decode(data, "x")
    assert difference(opened.image, upright) < 6
    assert (opened.width, opened.height, opened.format) == (*upright.size, form)


@pytest.mark.parametrize("background", ["white", "black", "#ff0000"])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_shows_the_background(encoded, mode, background):
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((10, 10, 29, 29), fill=(90, 90, 90, 255))
    expected = Image.new("RGB", (40, 40), background)
    ImageDraw.Draw(expected).rectangle((10, 10, 29, 29), fill=(90, 90, 90))
    assert difference(read(encoded(image.convert(mode), "PNG"), background=background), expected) < 1


def test_two_black_logos_on_nothing_are_two_pictures(encoded):
    logos = []
    for box in ((5, 5, 20, 60), (30, 40, 60, 60)):
        logo = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
        ImageDraw.Draw(logo).ellipse(box, fill=(0, 0, 0, 255))
        logos.append(read(encoded(logo, "PNG")))
    assert difference(*logos) > 10


def test_transparent_colour_of_a_png_without_alpha_is_seen_through(encoded):
    grey = Image.new("L", (16, 16), 7)
    assert read(encoded(grey, "PNG", transparency=7)).getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize(("form", "mode"), [("PNG", "I;16"), ("TIFF", "I;16"), ("TIFF", "I;16B"), ("PPM", "I")])
def test_sixteen_bits_are_scaled_not_clipped(picture, encoded, form, mode):
    grey = picture(2).convert("L")
    deep = np.asarray(grey).astype(np.uint16) * 257
    kind = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4"}[mode]
    image = Image.frombytes(mode, grey.size, deep.astype(kind).tobytes())
    assert difference(read(encoded(image, form)), grey) < 1


def test_sixteen_bit_colour_is_scaled(picture):
    rgb = np.asarray(picture(3)).astype(">u2") * 257
    high, wide = rgb.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in rgb)
    assert difference(read(png(wide, high, zlib.compress(rows), b"\x10\x02")), picture(3)) < 1


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 255), (0, 65535), (-3, 12.5), (0, 1e6)])
def test_real_pixels_are_scaled_by_their_range(picture, encoded, low, high):
    grey = np.asarray(picture(2).convert("L"), np.float32)
    grey = (grey - grey.min()) / (grey.max() - grey.min()) * 255
    data = encoded(Image.fromarray((grey / 255 * (high - low) + low).astype(np.float32)), "TIFF")
    assert difference(read(data), Image.fromarray(grey.astype(np.uint8))) < 2


@pytest.mark.parametrize(
    ("mode", "form"),
    [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "JPEG"), ("P", "PNG"), ("P", "GIF"), ("L", "JPEG"), ("LAB", "TIFF")],
)
def test_every_mode_becomes_rgb(picture, encoded, mode, form):
    image = picture(4)
    if mode == "LAB":
        from PIL import ImageCms

        to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        converted = ImageCms.applyTransform(image, to_lab)
    else:
        converted = image.quantize(200) if mode == "P" else image.convert(mode)
    expected = converted if mode in {"L", "P"} else image
    opened = read(encoded(converted, form))
    assert opened.mode == "RGB"
    assert difference(opened, expected) < 12


def test_one_bit_becomes_black_and_white(encoded):
    image = Image.new("1", (8, 8))
    image.putpixel((2, 3), 1)
    opened = read(encoded(image, "PNG"))
    assert (opened.getpixel((2, 3)), opened.getpixel((0, 0))) == ((255, 255, 255), (0, 0, 0))


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_show_their_first_frame(picture, encoded, form):
    options = {"lossless": True} if form == "WEBP" else {}
    data = encoded(picture(5), form, save_all=True, append_images=[picture(6), picture(7)], **options)
    shown = read(data)
    assert difference(shown, picture(5)) < min(15, difference(shown, picture(6)), difference(shown, picture(7)))


def test_a_jpeg_is_decoded_at_reduced_scale_but_never_under_what_was_asked(picture, encoded):
    data = encoded(picture(8, (1024, 768)))
    for least in (20, 96, 97, 200, 500, 5000):
        image = read(data, reduce_to=least)
        assert min(image.size) >= min(least, 768)
    assert read(data, reduce_to=96).size == (128, 96)
    assert difference(read(data, reduce_to=96), read(data).resize((128, 96), Image.Resampling.BOX)) < 2


def test_full_size_is_told_of_a_reduced_turned_jpeg(picture, encoded):
    exif = Image.Exif()
    exif[0x0112] = 6
    opened = decode(encoded(picture(8, (1024, 768)), exif=exif.tobytes()), "x", reduce_to=50)
    assert (opened.width, opened.height) == (768, 1024)
    assert opened.image.width < opened.image.height < 1024


def test_the_name_does_not_matter(picture, encoded, tmp_path):
    path = tmp_path / "picture.jpg"
    path.write_bytes(encoded(picture(9), "PNG"))
    assert difference(open_image(path), picture(9)) == 0


STRANGERS = {
    "empty": (b"", "empty"),
    "text": (b"see the other folder\n", "text"),
    "page": (b"\n<!DOCTYPE html><html>404", "web page"),
    "drawing": (b"<?xml version='1.0'?><svg></svg>", "SVG"),
    "zeros": (bytes(2000), "zero bytes"),
    "paper": (b"%PDF-1.7", "PDF"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n{} loop", "PostScript"),
    "film": (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "video"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "noise": (bytes(range(128, 255)) * 9, "no format"),
    "jpeg start": (b"\xff\xd8\xff", "header"),
    "png start": (b"\x89PNG\r\n\x1a\n", "header"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_no_image_is_named(name):
    data, words = STRANGERS[name]
    with pytest.raises(UnreadableImage, match=words) as caught:
        decode(data, "data/raw/cat/x.jpg")
    assert str(caught.value).startswith("data/raw/cat/x.jpg: ")


@pytest.mark.parametrize(
    ("form", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("GIF", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {}),
     ("JPEG2000", {}), ("AVIF", {}), ("PPM", {})],
)  # fmt: skip
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused_with_a_reason(picture, encoded, form, options, share):
    data = encoded(picture(10, (200, 150)), form, **options)
    for reduce_to in (None, 40):
        with pytest.raises(UnreadableImage, match=r"truncated|damaged"):
            decode(data[: int(len(data) * share)], "x", reduce_to)


def png(wide: int, high: int, body: bytes, kind: bytes = b"\x08\x00") -> bytes:
    parts = [(b"IHDR", struct.pack(">II", wide, high) + kind + b"\0\0\0"), (b"IDAT", body), (b"IEND", b"")]
    made = (
        struct.pack(">I", len(load)) + name + load + struct.pack(">I", zlib.crc32(name + load)) for name, load in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


@pytest.mark.parametrize(
    ("wide", "high"), [(50_000, 50_000), (2**31 - 1, 1), (16_000, 16_000), (70_000, 2), (30_000, 12_000)]
)
def test_a_bomb_is_refused_by_its_header(wide, high):
    with pytest.raises(UnreadableImage, match="too large"):
        decode(png(wide, high, zlib.compress(bytes(10_000_000))), "x")


def test_the_limit_on_size_can_be_set(picture, encoded):
    with pytest.raises(UnreadableImage, match=r"120 x 90 pixels.*0.01 \(ingest.max_megapixels\)"):
        decode(encoded(picture(0)), "x", max_megapixels=0.01)


def test_pillows_own_limit_is_left_as_it_was(picture, encoded):
    before = Image.MAX_IMAGE_PIXELS
    decode(encoded(picture(0)), "x", max_megapixels=3)
    assert before == Image.MAX_IMAGE_PIXELS


def test_damage_that_leaves_a_picture_is_noted(picture, encoded):
    data = bytearray(encoded(picture(11, (200, 150)), "PNG"))
    data[-14] ^= 255  # the checksum of the last chunk of pixels
    assert "checksum" in decode(bytes(data), "x").note
    jpeg = encoded(picture(11, (200, 150)))
    middle = len(jpeg) // 2
    assert "damaged JPEG" in decode(jpeg[:middle] + b"\xff\xd3" + jpeg[middle:], "x").note
    assert decode(jpeg, "x").note == ""


@pytest.mark.parametrize(("form", "words"), [("WEBP", "its header tells"), ("GIF", "end mark"), ("AVIF", "boxes")])
def test_a_container_that_does_not_add_up_is_noted(picture, encoded, form, words):
    data = encoded(picture(12), form)
    assert decode(data, "x").note == ""
    assert words in decode(data + b"left over", "x").note


def test_zeros_where_a_broken_copy_left_them_are_noted(picture, encoded):
    data = encoded(picture(12, (400, 300)), "WEBP")
    assert decode(data, "x").note == ""
    assert "zeros" in decode(data[:-100] + bytes(100), "x").note


def test_a_jpeg_without_metadata_is_opened_as_pillow_opens_it(picture, encoded):
    exif = Image.Exif()
    exif[0x010E] = "a picture"
    for grey in (False, True):
        image = picture(13, (300, 200)).convert("L" if grey else "RGB")
        plain, told = (decode(encoded(image, exif=data), "x", 96) for data in (b"", exif.tobytes()))
        assert plain.image.tobytes() == told.image.tobytes()
        assert (plain.width, plain.height, plain.note) == (told.width, told.height, told.note) == (300, 200, "")


def test_a_file_that_is_not_there_is_unreadable(tmp_path):
    with pytest.raises(UnreadableImage, match="refused to read it: No such file"):
        open_image(tmp_path / "none.jpg")


def _examples() -> list[bytes]:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8))
    made = []
    for form in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "JPEG2000"):
        stream = BytesIO()
        image.save(stream, form)
        made.append(stream.getvalue())
    return made


EXAMPLES = _examples()


@settings(max_examples=300)
@given(
    st.sampled_from(EXAMPLES),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8),
    st.integers(0, 5000),
)
def test_any_damage_ends_as_an_image_or_a_reason(data, changes, cut):
    broken = bytearray(data)
    for at, value in changes:
        broken[at % len(broken)] = value
    if cut < len(broken):
        del broken[cut:]
    for reduce_to in (None, 8):
        said = _said(bytes(broken), reduce_to)
        assert said == "RGB" or (said.isprintable() and 0 < len(said) < 400)


def _said(data: bytes, reduce_to: int | None) -> str:
    try:
        return decode(data, Path("x.jpg"), reduce_to, max_megapixels=1).image.mode
    except UnreadableImage as error:
        return error.reason
