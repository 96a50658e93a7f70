"""Different pictures that look alike, by kind: photographs of scenes and objects. For benchmarks/relations.py.

Each function makes the images of one kind; no two of them are copies. The grounds are photographs, the objects are the
cut-out photographs of Debian's tuxpaint-stamps-default where it is there, else pieces cut out of photographs.
"""

# ruff: noqa: ARG001 - every kind has the same two arguments

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps
from relation_edits import Random, font, to_image

FAMILIES = ("animals", "household", "food", "vehicles", "clothes", "hobbies")


@dataclass(frozen=True)
class Materials:
    """Photographs that serve as grounds, and objects with transparency."""

    grounds: list[Image.Image]
    objects: list[Image.Image]

    def ground(self, random: Random, side: int = 400) -> Image.Image:
        """A square part of one of the photographs."""
        return ImageOps.fit(self.grounds[random.integers(len(self.grounds))], (side, side))

    def thing(self, random: Random, size: float) -> Image.Image:
        """One of the objects, its longer side `size` pixels."""
        one = self.objects[random.integers(len(self.objects))]
        factor = size / max(one.size)
        return one.resize((max(4, round(one.width * factor)), max(4, round(one.height * factor))))

    def things(self, random: Random, size: float, number: int) -> list[Image.Image]:
        """Different objects."""
        chosen = random.choice(len(self.objects), min(number, len(self.objects)), replace=False)
        return [Materials(self.grounds, [self.objects[k]]).thing(random, size) for k in chosen]


Kind = Callable[[Materials, Random], list[Image.Image]]


def objects_of(root: Path, photographs: list[Image.Image], random: Random) -> list[Image.Image]:
    """Cut-out objects, RGBA, in a random order."""
    files = sorted(file for family in FAMILIES for file in (root / "tuxpaint/stamps" / family).rglob("*.png"))
    files = [file for file in files if "cartoon" not in str(file) and "_mirror" not in file.name]
    found = []
    for k in random.permutation(len(files))[:160]:
        with Image.open(files[k]) as image:
            one = image.convert("RGBA")
        if inside := one.getchannel("A").getbbox():
            found.append(one.crop(inside))
    return found or [_piece(photographs[random.integers(len(photographs))], random) for _ in range(80)]


def _piece(photograph: Image.Image, random: Random) -> Image.Image:
    """An ellipse or a polygon cut out of a photograph."""
    side = int(random.integers(80, 200))
    x, y = (int(random.integers(0, max(1, length - side))) for length in photograph.size)
    one = photograph.crop((x, y, x + side, y + side)).convert("RGBA")
    mask = Image.new("L", one.size)
    corners = [tuple(point) for point in random.uniform(0, side, (int(random.integers(3, 7)), 2))]
    draw = ImageDraw.Draw(mask)
    if random.random() < 0.5:
        draw.ellipse((0, side * 0.2, side, side * 0.8), fill=255)
    else:
        draw.polygon(corners, fill=255)
    one.putalpha(mask)
    return one


def camera(image: Image.Image, random: Random, noise: float = 3) -> Image.Image:
    """Another exposure and other noise, as the next picture of a camera has."""
    values = np.asarray(image.convert("RGB"), np.float64)
    return to_image(values * random.uniform(0.94, 1.06) + random.normal(0, noise, values.shape))


def put(ground: Image.Image, thing: Image.Image, random: Random) -> Image.Image:
    """Put an object somewhere on a ground."""
    out = ground.copy()
    x, y = (int(random.integers(0, max(1, a - b))) for a, b in zip(ground.size, thing.size, strict=True))
    out.paste(thing, (x, y), thing)
    return out


def fixed_camera(share: float) -> Kind:
    """Other objects before one ground; the object takes `share` of the side."""

    def make(materials: Materials, random: Random) -> list[Image.Image]:
        ground = materials.ground(random)
        return [camera(put(ground, one, random), random) for one in materials.things(random, share * 400, 20)]

    return make


def object_moved(materials: Materials, random: Random) -> list[Image.Image]:
    """One object in other places of one ground."""
    ground, one = materials.ground(random), materials.thing(random, 90)
    return [camera(put(ground, one, random), random) for _ in range(8)]


def camera_trap(materials: Materials, random: Random) -> list[Image.Image]:
    """An empty scene, and the same with an animal of 0.2% to 10% of the frame."""
    ground = materials.ground(random, 512)
    shares = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
    animals = [materials.thing(random, 512 * share**0.5 * 1.3) for share in shares]
    return [camera(image, random) for image in [ground, *(put(ground, one, random) for one in animals)]]


def scratches(materials: Materials, random: Random) -> list[Image.Image]:
    """One part, without and with a scratch or a spot."""
    part = materials.ground(random, 320)
    made = [camera(part, random, 2)]
    for k in range(5):
        image = part.copy()
        draw = ImageDraw.Draw(image)
        x, y = random.integers(50, 250, 2).tolist()
        grey = int(random.choice([250, 20, 130]))
        if k % 2:
            draw.line((x, y, x + int(random.integers(-50, 50)), y + int(random.integers(30, 60))), (grey,) * 3, 3)
        else:
            side = int(random.integers(8, 18))
            draw.ellipse((x, y, x + side, y + side), fill=(grey, grey // 2, grey // 2))
        made.append(camera(image, random, 2))
    return made


def burst(materials: Materials, random: Random) -> list[Image.Image]:
    """A burst: the ground moves by a few pixels, and an object moves through it."""
    ground, one = materials.ground(random, 440), materials.thing(random, 110)
    made = []
    for k in range(6):
        x, y = random.integers(0, 12, 2).tolist()
        image = ground.crop((x, y, x + 420, y + 420))
        image.paste(one, (20 + 55 * k, 150 + 12 * k), one)
        made.append(camera(image, random))
    return made


def objects_on_white(materials: Materials, random: Random) -> list[Image.Image]:
    """Other objects, centred on white, as a shop shows them."""
    made = []
    for one in materials.things(random, 220, 40):
        image = Image.new("RGB", (320, 320), "white")
        image.paste(one, ((320 - one.width) // 2, (320 - one.height) // 2), one)
        made.append(image)
    return made


def colour_variants(materials: Materials, random: Random) -> list[Image.Image]:
    """One product in several colours, on white."""
    one = materials.thing(random, 240)
    values, alpha = np.asarray(one.convert("RGB"), np.float64), one.getchannel("A")
    grey = values @ np.array([0.3, 0.59, 0.11]) / 255
    made = []
    for colour in ((200, 40, 40), (70, 160, 50), (50, 70, 190), (128, 128, 128), (225, 130, 40), (110, 75, 45)):
        image = Image.new("RGB", (320, 320), "white")
        painted: NDArray[np.float64] = (0.25 + 0.75 * grey)[..., None] * np.array(colour) * 1.3
        image.paste(to_image(painted), ((320 - one.width) // 2, (320 - one.height) // 2), alpha)
        made.append(image)
    return made


def mirrored_signs(materials: Materials, random: Random) -> list[Image.Image]:
    """A sign in a scene that points to the left or to the right."""
    ground = materials.ground(random)
    x, y = random.integers(40, 240, 2).tolist()
    made = []
    for mirrored in (False, True):
        sign = Image.new("RGB", (120, 120), (0, 70, 170))
        ImageDraw.Draw(sign).polygon([(95, 25), (25, 60), (95, 95)], fill="white")
        image = ground.copy()
        image.paste(ImageOps.mirror(sign) if mirrored else sign, (x, y))
        made.append(camera(image, random))
    return made


def other_captions(materials: Materials, random: Random) -> list[Image.Image]:
    """One photograph under other captions."""
    ground = materials.ground(random, 480)
    made = []
    for _ in range(4):
        image = ground.copy()
        words = " ".join(str(word) for word in random.integers(100, 9999, 3))
        ImageDraw.Draw(image).text((240, 24), words, "white", font(52), "mt", stroke_width=3, stroke_fill="black")
        made.append(image)
    return made


def other_photographs(materials: Materials, random: Random) -> list[Image.Image]:
    """Photographs of other things."""
    return [ImageOps.contain(one, (384, 384)) for one in materials.grounds]


# The kinds whose images show one scene: any two of them belong into one leak group.
SAME_SCENE: dict[str, Kind] = {
    "fixed camera, object of 15% of the side": fixed_camera(0.15),
    "fixed camera, 30%": fixed_camera(0.3),
    "fixed camera, 50%": fixed_camera(0.5),
    "object moved": object_moved,
    "camera trap": camera_trap,
    "scratch or spot": scratches,
    "burst": burst,
    "mirrored sign in a scene": mirrored_signs,
    "other caption": other_captions,
}
APART: dict[str, Kind] = {
    "objects on white": objects_on_white,
    "colour variants": colour_variants,
    "other photographs": other_photographs,
}
