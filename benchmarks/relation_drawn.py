"""Different pictures that look alike, by kind: documents and graphics, drawn here. For benchmarks/relations.py.

Each function makes the images of one kind; no two of them are copies.
"""

# ruff: noqa: ARG001, SIM905 - every kind has the same two arguments; a sentence is easier to read

import math

import numpy as np
from PIL import Image, ImageDraw, ImageOps
from relation_edits import Random, font, to_image
from relation_scenes import Kind, Materials

WORDS = (
    "the of and you that was for are with they this have from one had word but not what all were when your can said "
    "there use each which she how their will other about out many then them these some her would make like him into "
    "time has look two more write see number way could people first water been call who oil its now find long down day "
    "did get come made may part committee research product marketing agreement regarding enclosed attached schedule"
).split()


def text(random: Random, number: int) -> str:
    """Random words."""
    return " ".join(WORDS[k] for k in random.integers(0, len(WORDS), number))


def letters(materials: Materials, random: Random) -> list[Image.Image]:
    """Scanned letters: other text, length, type size and skew."""
    made = []
    for _ in range(24):
        image = Image.new("L", (640, 830), 250)
        draw = ImageDraw.Draw(image)
        size = int(random.integers(10, 14))
        left, step = int(random.integers(60, 100)), size * random.uniform(1.25, 1.7)
        y = float(random.integers(110, 170))
        draw.text((left, 50), text(random, 2).title(), 20, font(24))
        for _ in range(int(random.integers(1, 5))):
            for _ in range(int(random.integers(2, 8))):
                draw.text((left, y), text(random, 200)[: int((560 - left) / size * 2)], 20, font(size))
                y += step
            y += step
        draw.text((left, y), "Sincerely, " + text(random, 2).title(), 20, font(size))
        turned = image.rotate(random.uniform(-1, 1), Image.Resampling.BICUBIC, fillcolor=250)
        made.append(to_image(np.asarray(turned.convert("RGB")) + random.normal(-4, 5, (830, 640, 1))))
    return made


def invoices(materials: Materials, random: Random) -> list[Image.Image]:
    """Invoices of one template: other names, rows and sums."""
    colour = tuple(random.integers(10, 130, 3).tolist())
    made = []
    for _ in range(14):
        image = Image.new("RGB", (700, 990), "white")
        draw = ImageDraw.Draw(image)
        draw.rectangle((0, 0, 700, 80), fill=colour)
        draw.text((36, 20), "ACME Ltd  INVOICE", "white", font(34))
        draw.text((36, 112), f"{text(random, 2).title()}\nNo {random.integers(10_000, 99_999)}", "black", font(18))
        for k in range(int(random.integers(3, 12))):
            y = 270 + 34 * k
            draw.line((36, y + 28, 660, y + 28), fill="gray")
            draw.text((36, y), text(random, 3), "black", font(16))
            draw.text((560, y), f"{random.uniform(1, 900):8.2f}", "black", font(16))
        draw.text((390, 790), f"TOTAL {random.uniform(100, 9999):9.2f}", "black", font(26))
        made.append(image)
    return made


def one_field(materials: Materials, random: Random) -> list[Image.Image]:
    """One filled form, and others that differ in the digits of one field."""
    form = invoices(materials, random)[0]
    y = int(random.integers(200, 850))
    made = []
    for number in random.choice(900, 5, replace=False):
        image = form.copy()
        ImageDraw.Draw(image).text((350, y), str(100 + number), "black", font(18))
        made.append(image)
    return made


def cheques(materials: Materials, random: Random) -> list[Image.Image]:
    """Cheques that differ in one digit."""
    tail = int(random.integers(10))
    made = []
    for digit in range(10):
        image = Image.new("RGB", (800, 350), (235, 240, 235))
        draw = ImageDraw.Draw(image)
        draw.text((40, 40), "First Bank   pay to the order of", "black", font(26))
        draw.text((40, 120), text(np.random.default_rng(tail), 3).title(), "black", font(40))
        draw.text((520, 120), f"$ {digit}{tail}00.00", "black", font(40))
        made.append(image)
    return made


def meters(materials: Materials, random: Random) -> list[Image.Image]:
    """A meter that shows other digits."""
    made = []
    for number in random.choice(100_000, 14, replace=False):
        image = Image.new("RGB", (640, 360), (225, 225, 220))
        draw = ImageDraw.Draw(image)
        draw.rounded_rectangle((60, 90, 580, 270), 20, fill=(15, 15, 15))
        draw.text((95, 110), f"{number:05}", (240, 240, 240), font(130))
        made.append(image)
    return made


def cards(materials: Materials, random: Random) -> list[Image.Image]:
    """Playing cards: two colours, four shapes of the pips, four values."""
    made = []
    for suit in range(4):
        colour = ((200, 0, 0), (0, 0, 0))[suit % 2]
        for value in (7, 8, 9, 10):
            image = Image.new("RGB", (240, 336), "white")
            draw = ImageDraw.Draw(image)
            draw.rounded_rectangle((3, 3, 236, 332), 14, outline="gray", width=3)
            draw.text((14, 10), str(value), colour, font(30))
            for k in range(value):
                x, y = 70 + 100 * (k % 2), 60 + 52 * (k // 2)
                draw.regular_polygon((x, y, 18), 3 + suit, fill=colour)
            made.append(image)
    return made


def clocks(materials: Materials, random: Random) -> list[Image.Image]:
    """Clock faces that show other times."""
    made = []
    for number in random.choice(720, 14, replace=False):
        image = Image.new("RGB", (300, 300), "white")
        draw = ImageDraw.Draw(image)
        draw.ellipse((10, 10, 290, 290), outline="black", width=8)
        for hour in range(1, 13):
            x, y = 150 + 115 * math.sin(hour * math.pi / 6), 150 - 115 * math.cos(hour * math.pi / 6)
            draw.text((x, y), str(hour), "black", font(26), "mm")
        for angle, length, width in ((number / 360 * math.pi, 60, 9), (number % 60 / 30 * math.pi, 90, 5)):
            tip = 150 + length * math.sin(angle), 150 - length * math.cos(angle)
            draw.line((150, 150, *tip), fill="black", width=width)
        made.append(image)
    return made


def icons(materials: Materials, random: Random) -> list[Image.Image]:
    """Icons: one of several shapes, in one of several colours, on white."""
    made = []
    for sides in (3, 4, 5, 6, 8):
        for colour in random.integers(0, 220, (5, 3)).tolist():
            image = Image.new("RGB", (128, 128), "white")
            draw = ImageDraw.Draw(image)
            draw.regular_polygon((64, 64, 48), sides, int(random.integers(0, 90)), fill=tuple(colour))
            draw.ellipse((50, 50, 78, 78), fill="white")
            made.append(image)
    return made


def flags(materials: Materials, random: Random) -> list[Image.Image]:
    """Flags of three stripes, lying or standing, in other colours."""
    palette = ["red", "white", "navy", "green", "gold", "black", "orange", "skyblue"]
    made: list[Image.Image] = []
    seen: set[tuple[bool, tuple[str, ...]]] = set()
    while len(made) < 40:
        lying, colours = bool(random.integers(2)), tuple(random.choice(palette, 3, replace=False).tolist())
        if (lying, colours) in seen:
            continue
        seen.add((lying, colours))
        image = Image.new("RGB", (300, 200))
        draw = ImageDraw.Draw(image)
        for k, colour in enumerate(colours):
            draw.rectangle((0, 67 * k, 300, 67 * k + 67) if lying else (100 * k, 0, 100 * k + 100, 200), fill=colour)
        made.append(image)
    return made


def arrows(materials: Materials, random: Random) -> list[Image.Image]:
    """An arrow to the left and one to the right; p, q, b and d."""
    arrow = Image.new("RGB", (256, 256), tuple(random.integers(0, 200, 3).tolist()))
    ImageDraw.Draw(arrow).polygon([(200, 60), (60, 128), (200, 196)], fill="white")
    glyphs = []
    for glyph in "bdpq":
        image = Image.new("RGB", (256, 256), "white")
        ImageDraw.Draw(image).text((128, 128), glyph, "black", font(180), "mm")
        glyphs.append(image)
    return [arrow, ImageOps.mirror(arrow), *glyphs]


DRAWN: dict[str, Kind] = {
    "letters, scanned": letters,
    "invoices of one template": invoices,
    "form, one field": one_field,
    "cheques, one digit": cheques,
    "meters": meters,
    "playing cards": cards,
    "clocks": clocks,
    "icons": icons,
    "flags": flags,
    "arrows and b d p q": arrows,
}
