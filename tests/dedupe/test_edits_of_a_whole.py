"""Edits of a whole photograph that a plain comparison can't explain, and that none of them hides a small thing."""

import cv2
import numpy as np
import pytest
from dedupe.test_copies_on_pixels import photograph, picture, relation, saved, with_thing
from dedupe.test_unmoved_pairs import seen
from PIL import Image, ImageEnhance, ImageOps
from sklearn.datasets import load_sample_images

from curation.dedupe.verification.bending import MOST, bend
from curation.dedupe.verification.compare_pictures import GRID, evidence
from curation.dedupe.verification.overlap import PLAIN, SOFTER, Way
from curation.dedupe.verification.registration import Placed, by_frames
from curation.tables.codes import Relation

SHARPENED = Way(sharpened=True)
BICUBIC = Image.Resampling.BICUBIC


def vignette(image):
    values = np.asarray(image, float)
    down, across = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    return picture(values * (1 - 0.25 * (across**2 + down**2))[..., None])


def crop_frame_sepia(image):
    """The frame lies over what the whole picture still shows."""
    wide, high = image.size
    part = image.crop((round(wide * 0.06), round(high * 0.08), round(wide * 0.93), round(high * 0.96)))
    framed = ImageOps.expand(part, round(wide * 0.06), "black")
    return picture((np.asarray(framed, float) @ [0.3, 0.59, 0.11])[..., None] * [1.0, 0.85, 0.65])


EDITS = {
    "vignette": vignette,
    "contrast 2": lambda image: ImageEnhance.Contrast(image).enhance(2),
    "turned by 0.7 degrees": lambda image: image.rotate(0.7, BICUBIC),
    "crop, frame, sepia": crop_frame_sepia,
}


def temple():
    """A photograph with a bright sky."""
    return Image.fromarray(load_sample_images().images[0])


@pytest.mark.parametrize("edit", EDITS)
def test_a_photograph_that_was_edited_as_a_whole_is_a_copy(edit):
    assert relation(temple(), saved(EDITS[edit](temple()), quality=90)) is Relation.COPY


@pytest.mark.parametrize("edit", EDITS)
def test_none_of_these_edits_hides_another_animal(edit):
    other = saved(EDITS[edit](with_thing(temple(), 3, 0.01)), quality=90)
    assert relation(temple(), other) is not Relation.COPY


def test_a_picture_is_compared_with_a_sharpened_one_by_sharpening_and_clipping_it_as_well():
    image = ImageEnhance.Contrast(photograph(71, 256)).enhance(2.5)
    grain = np.random.default_rng(71).normal(0, 36, (image.height, image.width, 1))
    values = cv2.GaussianBlur(np.asarray(image, float) + grain, (0, 0), 1.0).clip(0, 255)
    sharp = picture(2.5 * values - 1.5 * cv2.GaussianBlur(values, (0, 0), 1.5))
    one, other = seen(picture(values)), seen(saved(sharp, quality=95))
    matrix, _ = by_frames(one, other)
    blurred, sharpened = (evidence(one, other, Placed(matrix, 0, 0, 0, False), GRID, way) for way in (PLAIN, SHARPENED))
    assert blurred.sharper > SOFTER
    assert sharpened.plain.broad < 0.7 * blurred.plain.broad


def shifted(grey, most):
    """The picture under a smooth shift of the second degree, and that shift."""
    down, across = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]].astype(np.float32)
    y, x = down / grey.shape[0] * 2 - 1, across / grey.shape[1] * 2 - 1
    shift = np.stack([most * x * y, -0.5 * most * x * x])
    return cv2.remap(grey, across + shift[0], down + shift[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), shift


def test_a_smooth_shift_is_found_and_taken_away():
    other = np.asarray(photograph(74).convert("L"), np.float32)
    one, shift = shifted(other, 2.0)
    both = np.ones(one.shape, bool)
    both[:8] = both[-8:] = both[:, :8] = both[:, -8:] = False
    found = bend(1.1 * one + 8, other, both)
    assert np.abs(found - shift)[:, both].max() < 0.25


def test_a_shift_that_is_too_large_is_none():
    other = cv2.GaussianBlur(np.asarray(photograph(75).convert("L"), np.float32), (0, 0), 3)
    one, _ = shifted(other, 3 * MOST)
    assert bend(one, other, np.ones(one.shape, bool)) is None
