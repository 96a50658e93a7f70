"""Pictures of few colours: palettes, pale photographs, copies without colour that are smaller. None hides a thing."""

from io import BytesIO

import numpy as np
import pytest
from dedupe.test_copies_on_pixels import photograph, picture, relation, saved, spot, taken, with_thing
from dedupe.test_edits_of_a_whole import temple
from dedupe.test_unmoved_pairs import seen
from PIL import Image, ImageDraw, ImageOps
from sklearn.datasets import load_sample_images

from curation.dedupe.verification.colours import colours
from curation.dedupe.verification.compare_pictures import GRID
from curation.dedupe.verification.compared_picture import ComparedPicture
from curation.dedupe.verification.overlap import lay_over
from curation.dedupe.verification.palettes import FAR, in_one_palette, palette_of
from curation.dedupe.verification.registration import by_frames
from curation.tables.codes import Relation


def as_gif(image):
    stream = BytesIO()
    image.save(stream, "GIF")
    return Image.open(BytesIO(stream.getvalue())).convert("RGB")


def sepia(image):
    return picture((np.asarray(image, float) @ [0.3, 0.59, 0.11])[..., None] * [1.0, 0.85, 0.65])


def flower():
    return Image.fromarray(load_sample_images().images[1])


def pale(image):
    return picture(np.asarray(image, float) * 0.3 + 160)


@pytest.mark.parametrize("share", [0.8, 0.5])
def test_a_gif_of_a_photograph_is_its_copy(share):
    image = temple().resize((round(640 * share), round(427 * share)))
    assert relation(temple(), as_gif(image)) is Relation.COPY
    assert relation(as_gif(image), temple()) is Relation.COPY


@pytest.mark.parametrize("seed", range(4))
def test_a_palette_hides_no_other_animal_and_no_spot(seed):
    assert relation(temple(), as_gif(with_thing(temple(), seed, 0.01))) is not Relation.COPY
    assert relation(with_thing(temple(), seed, 0.01), as_gif(temple())) is not Relation.COPY
    assert relation(spot(temple(), 60, 0.02, seed), as_gif(temple())) is not Relation.COPY


def test_a_colour_that_a_palette_lacks_is_kept():
    image = photograph(5)
    red = image.copy()
    ImageDraw.Draw(red).ellipse((100, 100, 110, 110), fill=(255, 0, 0))
    _, painted = in_one_palette(seen(as_gif(image)), seen(red))
    assert np.abs(painted.pixels[105, 105].astype(int) - [0, 0, 255]).max() == 0
    assert np.abs(painted.pixels.astype(int) - seen(red).pixels).max() <= FAR


def test_grey_pictures_and_drawings_have_no_palette_to_paint_with():
    image = photograph(6)
    grey = image.convert("L").convert("RGB")
    assert in_one_palette(seen(grey), seen(image)) is None
    assert in_one_palette(seen(as_gif(image)), seen(as_gif(image))) is None
    assert palette_of(np.asarray(image.quantize(32).convert("RGB"))) is None
    assert palette_of(np.asarray(image)) is None


@pytest.mark.parametrize("size", [180, 220, 260])
def test_a_small_sepia_copy_of_a_part_is_a_copy_whichever_comes_first(size):
    """Colours can be taken away, not foreseen: the light is explained from the coloured picture, finer or not."""
    part = temple().crop((20, 10, 620, 400)).resize((size, size * 390 // 600))
    framed = ImageOps.expand(part, size // 16, "black")
    assert relation(temple(), saved(sepia(framed), quality=90)) is Relation.COPY
    assert relation(saved(sepia(framed), quality=90), temple()) is Relation.COPY


def test_a_pale_photograph_has_as_many_shades_as_another_and_a_form_has_few():
    def shades(image):
        one, other = seen(image), seen(saved(image, quality=95))
        return colours(lay_over(one, other, by_frames(one, other)[0], GRID)).shades

    assert shades(pale(temple())) >= 10
    form = Image.new("RGB", (320, 240), "white")
    for y in range(20, 230, 30):
        ImageDraw.Draw(form).text((20, y), "Name, address and date of birth", "black")
    assert shades(form) <= 6
    assert shades(pale(form)) <= 6


@pytest.mark.parametrize("quality", [30, 60])
def test_a_pale_photograph_is_a_copy_of_itself_also_mirrored_but_not_with_a_spot(quality):
    image = pale(flower())
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert relation(image, saved(image, quality=quality)) is Relation.COPY
    assert relation(image, saved(mirrored, quality=quality)) is Relation.COPY
    assert relation(image, saved(spot(image, 25, 0.03, 1), quality=90)) is not Relation.COPY


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("contrast", "radius"), [(10, 0.02), (12, 0.04)])
def test_two_pictures_of_one_camera_are_copies_but_not_with_a_faint_spot(seed, contrast, radius):
    image = temple().crop((64, 0, 576, 427))
    again = taken(image, seed, noise=1)
    assert relation(taken(image, 99, noise=1), again) is Relation.COPY
    assert relation(taken(image, 99, noise=1), taken(spot(image, contrast, radius, seed), seed)) is not Relation.COPY


def test_the_pixels_are_read_again_only_for_a_palette():
    pixels, asked = np.ascontiguousarray(np.asarray(photograph(7))[:, :, ::-1]), []
    one = ComparedPicture(lambda side: asked.append(side) or pixels, 320)
    assert not one.has_few_colours
    assert len(asked) == 1
    one.raw()
    assert len(asked) == 2
