"""Measures tell pictures apart, agree across file formats and scales, and fill the columns as documented."""

from io import BytesIO

import imagehash
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from curation.images import image_measures as measures
from curation.images.hashing import orient
from curation.images.image_measures import Settings, measure

SETTINGS = Settings()


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


@pytest.mark.parametrize("bits", [64, 144, 256])
def test_reduced_decoding_costs_at_most_a_few_bits(picture, encoded, bits):
    for seed in range(12):
        data = encoded(picture(seed, (1024, 768)), quality=90)
        ours = measure(data, "x", Settings(bits=bits)).hash[: bits // 8]
        with Image.open(BytesIO(data)) as image:
            theirs = bytes.fromhex(str(imagehash.phash(image, hash_size=round(bits**0.5))))
        assert distance(ours, theirs) <= bits // 32


def test_flat_pictures_of_two_colours_differ(encoded):
    blue, white = (
        measure(encoded(Image.new("RGB", (90, 90), colour), "PNG"), "x", SETTINGS) for colour in ("blue", "white")
    )
    assert blue.thumbnail != white.thumbnail
    assert blue.hash_quality == white.hash_quality == 0
    same_grey = Image.new("RGB", (90, 90), (0, 130, 0)), Image.new("RGB", (90, 90), (76, 76, 76))
    green, grey = (measure(encoded(image, "PNG"), "x", SETTINGS) for image in same_grey)
    frame = pd.DataFrame([green._asdict(), grey._asdict()])
    assert np.ptp(measures.thumbnails(frame).astype(int)) <= 1
    assert np.abs(np.diff(measures.colours(frame).astype(int), axis=0)).min() > 30


def test_light_is_measured_in_the_units_it_says(encoded, picture):
    black, half = (measure(encoded(Image.new("L", (99, 99), level), "PNG"), "x", SETTINGS) for level in (0, 128))
    assert (black.brightness, black.contrast, black.blur) == (0, 0, 0)
    assert half.brightness == pytest.approx(128 / 255)
    image = picture(3)
    dull = ImageEnhance.Contrast(image).enhance(0.3)
    assert (
        measure(encoded(dull, "PNG"), "x", SETTINGS).contrast < measure(encoded(image, "PNG"), "x", SETTINGS).contrast
    )


def test_blur_falls_as_the_picture_is_blurred(picture, encoded):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8))
    image = Image.blend(picture(1, (800, 600)), noise, 0.5)
    found = [
        measure(encoded(image.filter(ImageFilter.GaussianBlur(radius)), quality=95), "x", SETTINGS).blur
        for radius in (0, 4, 8, 16)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] > 2 * found[-1]


def test_formats_agree(picture, encoded):
    image = picture(5, (400, 300))
    jpeg, png = (
        measure(encoded(image, form, **more), "x", SETTINGS) for form, more in (("JPEG", {"quality": 95}), ("PNG", {}))
    )
    assert distance(jpeg.hash[:8], png.hash[:8]) <= 2
    assert (jpeg.width, jpeg.height) == (png.width, png.height) == (400, 300)
    assert jpeg.brightness == pytest.approx(png.brightness, abs=0.01)
    grey = [np.frombuffer(one.thumbnail, np.uint8)[: measures.GREY_BYTES].astype(int) for one in (jpeg, png)]
    assert np.abs(grey[0] - grey[1]).mean() < 2


@pytest.mark.parametrize(("bits", "words"), [(64, 1), (144, 3), (256, 4)])
def test_columns_become_arrays(picture, encoded, bits, words):
    settings = Settings(bits=bits)
    rows = [measure(encoded(picture(seed)), "x", settings)._asdict() for seed in range(3)]
    frame = pd.DataFrame([*rows, measures.Measures(error="damaged")._asdict()])
    hashes = measures.hashes(frame)
    assert hashes.shape == (4, 8, words)
    assert hashes.dtype == np.uint64
    assert not hashes[3].any()
    assert int(hashes[0, 0, 0]) == int.from_bytes(rows[0]["hash"][:8])
    assert len({tuple(row) for row in hashes[0].tolist()}) == 8
    assert measures.thumbnails(frame).shape == (4, 32, 32)
    assert measures.colours(frame).shape == (4, 8, 8, 2)
    assert measures.hashes(frame.iloc[:0]).shape[0] == measures.thumbnails(frame.iloc[:0]).shape[0] == 0


def test_the_thumbnail_of_a_turned_image_is_the_turned_thumbnail(picture, encoded):
    image = picture(2, (200, 200))
    frame = pd.DataFrame(
        [
            measure(
                encoded(Image.fromarray(np.ascontiguousarray(orient(np.asarray(image), index))), "PNG"), "x", SETTINGS
            )._asdict()
            for index in range(8)
        ]
    )
    thumbnails = measures.thumbnails(frame).astype(int)
    for index in range(8):
        assert np.abs(orient(thumbnails[0], index) - thumbnails[index]).max() <= 1


@pytest.mark.parametrize("kind", ["dhash", "ahash", "whash", "pdq"])
def test_every_kind_of_hash_can_be_chosen(picture, encoded, kind):
    if kind == "pdq":
        pytest.importorskip("pdqhash")
    found = measure(encoded(picture(0)), "x", Settings(hash=kind, bits=256))
    assert len(found.hash) == 8 * 32


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 1), (3, 3)])
def test_tiny_pictures_are_measured(picture, encoded, size):
    found = measure(encoded(picture(0, size), "PNG"), "x", SETTINGS)
    assert (found.width, found.height) == size
    assert len(found.thumbnail) == measures.THUMBNAIL_BYTES
