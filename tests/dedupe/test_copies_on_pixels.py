"""What two pictures are by their pixels: no small difference of any kind makes a copy, and edits of a whole do."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from curation.dedupe.verification.compare_pictures import compare
from curation.dedupe.verification.compared_picture import ComparedPicture
from curation.tables.codes import Relation

SIDE = 320


def photograph(seed, side=SIDE):
    """Clouds of colour at five scales, and grain: detail all over, as in a photograph."""
    random = np.random.default_rng((4711, seed))
    size = (side, side * 3 // 4)
    layers = [
        np.asarray(
            Image.fromarray(random.integers(0, 256, (n, n, 3), np.uint8)).resize(size, Image.Resampling.BICUBIC), float
        )
        for n in (3, 7, 15, 33, 70)
    ]
    return picture(np.average(layers, axis=0, weights=(4, 3, 3, 2, 2)))


def picture(values):
    return Image.fromarray(np.clip(np.round(values), 0, 255).astype(np.uint8))


def taken(image, seed, noise=1.5):
    """The image as a camera takes it again: other noise, and a JPEG."""
    values = np.asarray(image.convert("RGB"), float)
    values = values + np.random.default_rng((99, seed)).normal(0, noise, values.shape)
    return saved(picture(values), quality=90)


def saved(image, **options):
    buffer = BytesIO()
    image.save(buffer, "JPEG", **options)
    return Image.open(BytesIO(buffer.getvalue())).convert("RGB")


def relation(one, other):
    def seen(image):
        pixels = np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])
        return ComparedPicture(lambda _: pixels, max(image.size))

    return compare(seen(one), seen(other)).relation


def spot(image, contrast, radius, seed):
    """A soft spot somewhere."""
    values = np.asarray(image.convert("RGB"), float)
    high, wide = values.shape[:2]
    x, y = np.random.default_rng(seed).uniform(0.25, 0.75, 2) * (wide, high)
    down, across = np.mgrid[:high, :wide]
    soft = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * (radius * wide) ** 2))
    return picture(values + contrast * soft[..., None])


def chest(seed, side=SIDE):
    """A drawing like an X-ray: smooth, grey, with ribs."""
    random = np.random.default_rng((5, seed))
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    wide = random.uniform(0.97, 1.03)
    values = 185 + 40 * np.exp(-(((x + 0.1) / 0.2) ** 2) - ((y - 0.35) / 0.3) ** 2)
    for middle in (-0.38, 0.4):
        values -= 125 * np.exp(-((((x - middle) / (0.28 * wide)) ** 2 + ((y - 0.05) / (0.6 * wide)) ** 2) ** 2))
    for k in range(9):
        values += 3 * np.sin(y * 22 + k + random.uniform(0, 3) + 3 * x**2)
    return picture(values[..., None].repeat(3, 2))


def page(words):
    image = Image.new("RGB", (640, 820), (250, 250, 248))
    draw = ImageDraw.Draw(image)
    for line, text in enumerate(words):
        draw.text((50, 50 + 26 * line), text, (20, 20, 25))
    return image


def lines(seed):
    letters = np.random.default_rng((8, seed)).integers(97, 123, (26, 60))
    return ["".join(map(chr, line)) for line in letters]


def other_letter(words, line=11):
    changed = words[line][:20] + ("o" if words[line][20] != "o" else "x") + words[line][21:]
    return [*words[:line], changed, *words[line + 1 :]]


def cheque(number):
    image = Image.new("RGB", (640, 280), (235, 240, 235))
    draw = ImageDraw.Draw(image)
    draw.text((30, 30), "First Bank   pay to the order of A. N. Other", "black", ImageFont.load_default(20))
    for k in range(5):
        draw.line((30, 150 + 22 * k, 600, 150 + 22 * k), (180, 180, 190))
    draw.text((430, 100), f"$ {number}.00", "black", ImageFont.load_default(28))
    return image


def flag(emblem):
    image = Image.new("RGB", (300, 200))
    draw = ImageDraw.Draw(image)
    for k, colour in enumerate(("maroon", "white", "seagreen")):
        draw.rectangle((0, 67 * k, 300, 67 * k + 67), colour)
    if emblem:
        draw.regular_polygon((150, 100, 12), 5, fill="gold")
    return image


def clock(minutes):
    image = Image.new("RGB", (260, 260), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((8, 8, 252, 252), outline="black", width=7)
    for part, length, width in ((minutes / 720, 55, 8), (minutes % 60 / 60, 85, 5)):
        x, y = 130 + length * np.sin(2 * np.pi * part), 130 - length * np.cos(2 * np.pi * part)
        draw.line((130, 130, x, y), "black", width)
    return image


def card(pips, corners):
    image = Image.new("RGB", (240, 336), "white")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((3, 3, 236, 332), 14, outline="gray", width=3)
    for k in range(pips):
        draw.regular_polygon((70 + 100 * (k % 2), 60 + 52 * (k // 2), 18), corners, fill="black")
    return image


def product(colour):
    down, across = np.mgrid[-1:1:240j, -1:1:320j]
    light = np.clip(1.1 - 0.6 * ((across + 0.3) ** 2 + (down + 0.3) ** 2), 0.3, 1.1)[..., None]
    body = ((across * 1.6) ** 2 + (down * 1.6) ** 2 < 1)[..., None]
    stripes = 0.8 + 0.2 * np.sin(20 * across)[..., None]
    return picture(np.where(body, np.array(colour) * light * stripes, 255))


def with_thing(ground, seed, share, across=0.3):
    """A striped ball on a photograph, so large a share of it."""
    radius = round((share * ground.width * ground.height / np.pi) ** 0.5)
    x, y = int(ground.width * across), int(ground.height * 0.55)
    image = ground.copy()
    draw = ImageDraw.Draw(image)
    draw.ellipse(
        (x - radius, y - radius, x + radius, y + radius), tuple(np.random.default_rng(seed).integers(0, 90, 3))
    )
    draw.line((x - radius, y, x + radius, y), "white", max(1, radius // 3))
    return image


def cell(crack, seed):
    """A solar cell in its own light: grain, busbars, fingers, and perhaps a crack."""
    random = np.random.default_rng((31, seed))
    grain = np.asarray(
        Image.fromarray(random.integers(90, 190, (24, 24), np.uint8)).resize((300, 300), Image.Resampling.BICUBIC),
        float,
    )
    grain[::6] -= 12
    for x in (75, 225):
        grain[:, x : x + 8] = 25
    image = picture(grain[..., None].repeat(3, 2))
    if crack:
        ImageDraw.Draw(image).line((110, 90, 135, 120, 150, 170), (45, 45, 45), 2)
    return image


def healthy_cell(seed):
    """A solar cell without defects: busbars, dark borders, and faint clouds of its own."""
    random = np.random.default_rng((32, seed))
    clouds = Image.fromarray(random.integers(118, 139, (9, 9), np.uint8)).resize((300, 300), Image.Resampling.BICUBIC)
    values = np.asarray(clouds, float) + random.normal(0, 2, (300, 300))
    for y in (50, 150, 250):
        values[y : y + 5, 20:280] = 45
    values[:, :6] -= 40
    return picture(values[..., None].repeat(3, 2))


def sign(mirrored):
    plate = Image.new("RGB", (80, 80), (0, 70, 170))
    ImageDraw.Draw(plate).polygon([(62, 18), (16, 40), (62, 62)], fill="white")
    image = photograph(50)
    image.paste(ImageOps.mirror(plate) if mirrored else plate, (150, 90))
    return image


DIFFERENT = {
    "spot of 12 grey levels": lambda k: (photograph(k), spot(photograph(k), 12, 0.05, k)),
    "dark spot of 20 grey levels": lambda k: (photograph(k), spot(photograph(k), -20, 0.025, k)),
    "spot on a smooth ground": lambda k: (chest(k), spot(chest(k), 10, 0.04, k)),
    "drawn X-rays": lambda k: (chest(k), chest(k + 10)),
    "one letter of a page": lambda k: (page(lines(k)), page(other_letter(lines(k)))),
    "digit of a cheque": lambda k: (cheque(4170 + k), cheque(4180 + k)),
    "emblem of a flag": lambda _: (flag(False), flag(True)),
    "hand of a clock": lambda k: (clock(100 + k), clock(102 + k)),
    "value of a card": lambda k: (card(7 + k, 4), card(8 + k, 4)),
    "suit of a card": lambda k: (card(7 + k, 4), card(7 + k, 5)),
    "colour of a product": lambda k: (product((200, 60, 50)), product((60, 90 + k, 200))),
    "animal of 0.3% of the frame": lambda k: (photograph(k), with_thing(photograph(k), k, 0.003)),
    "animal of 2% of the frame": lambda k: (photograph(k), with_thing(photograph(k), k, 0.02)),
    "thing that moved": lambda k: (with_thing(photograph(k), 1, 0.01), with_thing(photograph(k), 1, 0.01, 0.5)),
    "crack of a cell": lambda k: (cell(False, k), cell(True, k)),
    "healthy cells of one module": lambda k: (healthy_cell(k), healthy_cell(k + 20)),
    "mirrored sign": lambda _: (sign(False), sign(True)),
}
COPIES = {
    "JPEG quality 25": lambda image: saved(image, quality=25),
    "half the size": lambda image: image.resize((SIDE // 2, SIDE * 3 // 8)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "sepia": lambda image: picture((np.asarray(image, float) @ [0.3, 0.59, 0.11])[..., None] * [1.0, 0.85, 0.65]),
    "saturation 0.3": lambda image: ImageEnhance.Color(image).enhance(0.3),
    "warm": lambda image: picture(np.asarray(image, float) * [1.1, 1.0, 0.88]),
    "crop": lambda image: image.crop((24, 16, SIDE - 20, SIDE * 3 // 4 - 16)),
    "letterbox": lambda image: ImageOps.expand(image, (0, 40), "black"),
    "turned by 3 degrees": lambda image: image.rotate(3, Image.Resampling.BICUBIC),
    "mirrored": ImageOps.mirror,
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(1.5)),
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", DIFFERENT)
def test_pictures_that_differ_in_a_small_thing_are_no_copies(kind, seed):
    one, other = (taken(image, seed * 10 + k) for k, image in enumerate(DIFFERENT[kind](seed)))
    assert relation(one, other) is not Relation.COPY


@pytest.mark.parametrize("edit", ["brighter", "grey", "sepia", "warm", "crop", "JPEG quality 25"])
def test_an_edit_does_not_hide_another_animal(edit):
    ground = photograph(20)
    assert relation(taken(ground, 1), COPIES[edit](with_thing(ground, 3, 0.01))) is not Relation.COPY


@pytest.mark.parametrize("edit", COPIES)
def test_a_picture_that_was_edited_as_a_whole_is_a_copy(edit):
    found = [relation(photograph(seed), saved(COPIES[edit](photograph(seed)), quality=90)) for seed in (31, 32, 33)]
    assert found == [Relation.COPY] * 3


@pytest.mark.parametrize("make", [chest, lambda seed: cell(False, seed), lambda seed: page(lines(seed))])
def test_smooth_grey_and_written_pictures_have_copies_as_well(make):
    image = make(3)
    assert relation(image, saved(image, quality=92)) is Relation.COPY
