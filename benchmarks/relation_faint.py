"""Different pictures that differ in something faint, thin or small, by kind. For benchmarks/verification.py.

Each function makes two pictures that are no copies. The limits are those of the eye: a soft spot of 10 grey levels, a
line of 40, one letter of a page.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from relation_drawn import text
from relation_edits import Random, font, to_image
from relation_scenes import Materials, camera, put

Pair = tuple[Image.Image, Image.Image]
Faint = Callable[[Materials, Random], Pair]


def spot(image: Image.Image, contrast: float, radius: float, random: Random) -> Image.Image:
    """Add a soft spot, darker or brighter; radius as a share of the longer side."""
    values = np.asarray(image.convert("RGB"), np.float64)
    high, wide = values.shape[:2]
    x, y = random.uniform(0.2, 0.8, 2) * (wide, high)
    down, across = np.mgrid[:high, :wide]
    soft = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * (radius * max(high, wide)) ** 2))
    return to_image(values + random.choice((-1, 1)) * contrast * soft[..., None])


def line(image: Image.Image, contrast: float, width: float, random: Random) -> Image.Image:
    """Add a thin crooked line; width in pixels."""
    wide, high = image.size
    mask = Image.new("L", (4 * wide, 4 * high))
    places = [random.uniform(0.15, 0.85, 2) * mask.size]
    for _ in range(4):
        places.append(places[-1] + random.normal(0, 0.05 * 4 * wide, 2))
    ImageDraw.Draw(mask).line([(float(x), float(y)) for x, y in places], 255, round(4 * width))
    drawn = np.asarray(mask.resize((wide, high), Image.Resampling.BOX), np.float64)[..., None] / 255
    return to_image(np.asarray(image.convert("RGB"), np.float64) + random.choice((-1, 1)) * contrast * drawn)


def chest(random: Random, side: int = 512) -> Image.Image:
    """A drawing like an X-ray."""
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    wide = random.uniform(0.95, 1.05)
    values: NDArray[np.float64] = 185 + 40 * np.exp(-(((x + 0.1) / 0.2) ** 2) - ((y - 0.35) / 0.3) ** 2)
    for middle in (-0.38, 0.4):
        values -= 125 * np.exp(-((((x - middle) / (0.28 * wide)) ** 2 + ((y - 0.05) / (0.6 * wide)) ** 2) ** 2))
    for k in range(9):
        values += 3 * np.sin(22 * y + k + random.uniform(0, 3) + 3 * x**2)
    return to_image(values[..., None].repeat(3, 2))


def spots(contrast: float, radius: float) -> Faint:
    """A photograph, and the same with a soft spot."""

    def make(materials: Materials, random: Random) -> Pair:
        ground = materials.ground(random, 512)
        return camera(ground, random, 1.5), camera(spot(ground, contrast, radius, random), random, 1.5)

    return make


def nodule(_: Materials, random: Random) -> Pair:
    """A drawn X-ray, and the same with a soft spot of 8 to 14 grey levels."""
    one = chest(random)
    return one, spot(one, random.uniform(8, 14), random.uniform(0.015, 0.05), random)


def chests(_: Materials, random: Random) -> Pair:
    """Two drawn X-rays."""
    return camera(chest(random), random), camera(chest(random), random)


def lines(contrast: float) -> Faint:
    """A photograph, and the same with a thin line."""

    def make(materials: Materials, random: Random) -> Pair:
        ground = materials.ground(random, 512)
        return camera(ground, random, 1.5), camera(line(ground, contrast, 2, random), random, 1.5)

    return make


def small_animal(share: float) -> Faint:
    """A scene, and the same with an animal of so large a share of the frame."""

    def make(materials: Materials, random: Random) -> Pair:
        ground = materials.ground(random, 512)
        return camera(ground, random), camera(put(ground, materials.thing(random, 640 * share**0.5), random), random)

    return make


def letter(_: Materials, random: Random) -> Pair:
    """A page, and the same with another letter in one word."""
    side = int(random.choice([640, 900]))
    words = [text(random, 10) for _ in range(24)]
    changed = int(random.integers(24))
    at = int(random.integers(5, 30))
    other = "o" if words[changed][at] != "o" else "x"
    made = []
    for new in (words[changed], words[changed][:at] + other + words[changed][at + 1 :]):
        image = Image.new("RGB", (side, round(side * 1.3)), (250, 250, 248))
        draw = ImageDraw.Draw(image)
        for number, words_of in enumerate([*words[:changed], new, *words[changed + 1 :]]):
            draw.text((side // 12, side // 12 + number * side / 30), words_of, (20, 20, 25), font(side / 50))
        made.append(image)
    return made[0], made[1]


def emblem(_: Materials, random: Random) -> Pair:
    """A flag, and the same with a small emblem."""
    palette = ["red", "white", "navy", "green", "gold", "black", "orange", "skyblue"]
    one = Image.new("RGB", (300, 200))
    for k, colour in enumerate(random.choice(palette, 3, replace=False).tolist()):
        ImageDraw.Draw(one).rectangle((0, 67 * k, 300, 67 * k + 67), fill=colour)
    other = one.copy()
    draw, radius = ImageDraw.Draw(other), random.uniform(8, 25)
    draw.regular_polygon(
        (150, 100, radius), int(random.integers(3, 8)), fill=tuple(random.integers(0, 255, 3).tolist())
    )
    return one, other


FAINT: dict[str, Faint] = {
    "spot of 7 grey levels": spots(7, 0.03),
    "spot of 10 grey levels": spots(10, 0.03),
    "spot of 15 grey levels": spots(15, 0.03),
    "wide spot of 12 grey levels": spots(12, 0.12),
    "spot in a drawn X-ray": nodule,
    "drawn X-rays": chests,
    "line of 20 grey levels": lines(20),
    "line of 40 grey levels": lines(40),
    "animal of 0.2% of the frame": small_animal(0.002),
    "animal of 1% of the frame": small_animal(0.01),
    "one letter of a page": letter,
    "emblem of a flag": emblem,
}
