"""Pairs that are not moved, the great majority: compared as they lie, without a warp and without a fit of light."""

import numpy as np
import pytest
from dedupe.test_copies_on_pixels import photograph, saved

from curation.dedupe.relations.pair_verifier import by_group
from curation.dedupe.verification.compare_pictures import GRID, evidence
from curation.dedupe.verification.compared_picture import ComparedPicture
from curation.dedupe.verification.copy_rule import is_copy
from curation.dedupe.verification.overlap import lay_over, whole_on_whole
from curation.dedupe.verification.registration import Placed, by_frames


def seen(image):
    pixels = np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])
    return ComparedPicture(lambda _: pixels, max(image.size))


@pytest.mark.parametrize("orientation", range(8))
def test_a_picture_in_another_orientation_is_laid_on_itself_without_interpolation(orientation):
    one = seen(photograph(1))
    pixels = one.pixels
    for _ in range((4 - orientation) % 4):
        pixels = np.rot90(pixels)
    if orientation >= 4:
        pixels = pixels[:, ::-1]
    other = ComparedPicture(lambda _: np.ascontiguousarray(pixels), one.long_side)
    matrix, found = by_frames(one, other)
    pair = lay_over(one, other, matrix, GRID)
    assert found == orientation
    assert np.array_equal(pair.one, pair.other)


def test_sizes_that_were_rounded_in_another_way_are_not_moved():
    image = photograph(2)
    one, other = seen(image), seen(image.resize((image.width, image.height - 1)))
    matrix, _ = by_frames(one, other)
    assert whole_on_whole(one, other, matrix) == 0
    assert whole_on_whole(one, other, matrix @ np.array([[1, 0, 0.5], [0, 1, 0], [0, 0, 1]])) is None


def test_a_copy_in_unchanged_light_needs_no_free_fit_of_the_light():
    image = photograph(3)
    one, other = seen(image), seen(saved(image, quality=60))
    matrix, orientation = by_frames(one, other)
    found = evidence(one, other, Placed(matrix, 0, 0, orientation, False), GRID)
    assert found.plain.noise > 1.0
    assert found.free is None


def test_pairs_that_share_pictures_are_compared_one_after_the_other():
    pairs = [(0, 500), (1, 700), (2, 900), (3, 700), (500, 800), (900, 950)]
    ordered = by_group(pairs, 1000)
    assert sorted(ordered) == pairs
    assert ordered == [(0, 500), (500, 800), (1, 700), (3, 700), (2, 900), (900, 950)]


def test_grey_pictures_of_middling_structure_must_agree_as_copies_of_one_file_do():
    """Solar cells whose wafers lay side by side in one crystal show one pattern: they agree to 0.989."""
    image = photograph(4)
    one, other = seen(image), seen(saved(image, quality=90))
    matrix, orientation = by_frames(one, other)
    found = evidence(one, other, Placed(matrix, 0, 0, orientation, False), GRID)
    cells = found._replace(structure=found.structure._replace(share=0.63, correlation=0.987))
    grey = cells.colours._replace(hued=0.0)
    assert is_copy(cells)
    assert not is_copy(cells._replace(colours=grey))
    assert is_copy(cells._replace(colours=grey, one_grey=True))
    assert is_copy(cells._replace(colours=grey, structure=found.structure._replace(share=0.63, correlation=0.993)))
    assert is_copy(cells._replace(colours=grey, structure=found.structure._replace(share=0.8, correlation=0.987)))
