"""Fifty edits that people make of a photograph, by kind, for benchmarks/relations.py.

Each edit takes an RGB image and a random generator, and returns the edited image. Three sets divide them:

- EASY: the kinds that the product has always found (another compression, size, light, flip).
- HARD: crops, frames, turns, screenshots, recolouring, and several edits together.
- OVERLAYS: opaque marks. No measure tells these from a small object, so the right answer is the same scene.
"""

# ruff: noqa: ARG001, ARG005 - every edit has the same two arguments

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Random = np.random.Generator
Edit = Callable[[Image.Image, Random], Image.Image]
Turn = Image.Transpose
BICUBIC = Image.Resampling.BICUBIC


def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that Pillow carries."""
    return ImageFont.load_default(max(8, round(size)))


def to_image(pixels: NDArray[np.generic]) -> Image.Image:
    """Round and clip pixels to an RGB image."""
    return Image.fromarray(np.asarray(pixels, np.float64).clip(0, 255).round().astype(np.uint8))


def saved(image: Image.Image, form: str, **options: object) -> Image.Image:
    """What is left after the image was saved in another format."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def pixels(change: Callable[[NDArray[np.float64], Random], NDArray[np.float64]]) -> Edit:
    """An edit of the pixel values."""
    return lambda image, random: to_image(change(np.asarray(image, np.float64), random))


def crop(left: float, top: float, right: float, bottom: float) -> Edit:
    """Cut shares of the width and of the height off."""

    def cut(image: Image.Image, random: Random) -> Image.Image:
        wide, high = image.size
        box = wide * left, high * top, wide * (1 - right), high * (1 - bottom)
        return image.crop(tuple(round(side) for side in box))  # type: ignore[arg-type]

    return cut


def random_crop(most: float) -> Edit:
    """Cut up to `most` off each side, another share at each."""
    return lambda image, random: crop(*random.uniform(0, most, 4))(image, random)


def corner(share: float) -> Edit:
    """Cut a share off two sides that meet."""

    def cut(image: Image.Image, random: Random) -> Image.Image:
        across, down = random.integers(0, 2, 2)
        return crop(share * across, share * down, share * (1 - across), share * (1 - down))(image, random)

    return cut


def framed(left: float, top: float, right: float, bottom: float, colour: str) -> Edit:
    """Put the image on a larger canvas."""

    def put(image: Image.Image, random: Random) -> Image.Image:
        wide, high = image.size
        size = round(wide * (1 + left + right)), round(high * (1 + top + bottom))
        out = Image.new("RGB", size, colour)
        out.paste(image, (round(wide * left), round(high * top)))
        return out

    return put


def square(colour: str, side: int = 640) -> Edit:
    """Pad to a square."""
    return lambda image, random: ImageOps.pad(image, (side, side), color=colour)


def blurred_square(image: Image.Image, random: Random) -> Image.Image:
    """Pad to a square with a blurred copy of the image, as phones do."""
    out = ImageOps.fit(image, (640, 640)).filter(ImageFilter.GaussianBlur(24))
    small = ImageOps.contain(image, (640, 640))
    out.paste(small, ((640 - small.width) // 2, (640 - small.height) // 2))
    return out


def screenshot(dark: bool) -> Edit:
    """Show the image on a phone's screen, between two bars with text."""

    def show(image: Image.Image, random: Random) -> Image.Image:
        ground, ink = ("black", "white") if dark else ("white", "black")
        out = Image.new("RGB", (540, 1170), ground)
        fitted = ImageOps.contain(image, (540, 900))
        out.paste(fitted, (0, 120 + int(random.integers(0, 900 - fitted.height + 1))))
        draw = ImageDraw.Draw(out)
        draw.text(
            (14, 10), f"{random.integers(24)}:{random.integers(10, 60)}   LTE {random.integers(100)}%", ink, font(28)
        )
        draw.text((20, 1110), "<      share      ...", ink, font(36))
        return out

    return show


def rotated(most: float, least: float = 0.0, fill: str = "black") -> Edit:
    """Turn by an angle between `least` and `most` degrees, to either side; the corners are filled."""

    def turn(image: Image.Image, random: Random) -> Image.Image:
        angle = random.uniform(least, most) * (1 if random.random() < 0.5 else -1)
        return image.rotate(angle, BICUBIC, fillcolor=fill)

    return turn


def turned_and_cropped(image: Image.Image, random: Random) -> Image.Image:
    """Turn by up to 8 degrees and cut the empty corners off."""
    angle = random.uniform(3, 8) * (1 if random.random() < 0.5 else -1)
    wide, high = image.size
    share = 0.5 * np.tan(np.radians(abs(angle)))
    across, down = min(0.2, share * high / wide), min(0.2, share * wide / high)
    return crop(across, down, across, down)(image.rotate(angle, BICUBIC), random)


def perspective(image: Image.Image, random: Random) -> Image.Image:
    """Look at the image from the side, a little."""
    wide, high = image.size
    quad = (wide * 0.03, high * 0.02, 0, high * 0.97, wide * 0.98, high, wide * 0.96, high * 0.03)
    return image.transform((wide, high), Image.Transform.QUAD, quad, BICUBIC)


def vignette(values: NDArray[np.float64], random: Random) -> NDArray[np.float64]:
    """Darken the corners."""
    high, wide = values.shape[:2]
    y, x = np.mgrid[-1 : 1 : high * 1j, -1 : 1 : wide * 1j]
    darker: NDArray[np.float64] = values * (1 - 0.25 * (x**2 + y**2))[..., None]
    return darker


def stock_mark(image: Image.Image, random: Random) -> Image.Image:
    """Write half-transparent words over the whole image."""
    wide, high = image.size
    layer = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(layer)
    for row in range(6):
        for column in range(3):
            draw.text((wide * (column - 0.3 * (row % 2)) / 2.5, high * row / 6), "STOCK PHOTO", 90, font(wide / 16))
    out = image.copy()
    out.paste((255, 255, 255), mask=layer.rotate(20))
    return out


def drawn(draw_on: Callable[[ImageDraw.ImageDraw, int, int, Random], None]) -> Edit:
    """Draw an opaque mark."""

    def draw(image: Image.Image, random: Random) -> Image.Image:
        out = image.copy()
        draw_on(ImageDraw.Draw(out), *out.size, random)
        return out

    return draw


def logo(draw: ImageDraw.ImageDraw, wide: int, high: int, random: Random) -> None:
    """A box with a word in a corner."""
    x, y = wide * (0.8, 0.02)[random.integers(2)], high * (0.88, 0.03)[random.integers(2)]
    draw.rectangle((x, y, x + wide * 0.17, y + high * 0.09), fill=("red", "white", "navy")[random.integers(3)])
    draw.text((x + wide * 0.02, y + high * 0.02), "LOGO", "orange", font(high * 0.05))


def date(draw: ImageDraw.ImageDraw, wide: int, high: int, random: Random) -> None:
    """A date, as cameras write it."""
    draw.text((wide * 0.6, high * 0.9), f"20{random.integers(10, 30)}/08/14 12:03", "orange", font(wide / 28))


def caption(draw: ImageDraw.ImageDraw, wide: int, high: int, random: Random) -> None:
    """Two lines of large text."""
    words = ("WHEN", "YOU", "FIND", "THE", "SAME", "PICTURE", "AGAIN", "TODAY")
    for y in (0.04, 0.85):
        text = " ".join(words[k] for k in random.integers(0, len(words), 3))
        draw.text((wide / 2, high * y), text, "white", font(wide / 14), "mt", stroke_width=3, stroke_fill="black")


def box(draw: ImageDraw.ImageDraw, wide: int, high: int, random: Random) -> None:
    """A black rectangle over a part."""
    x, y = random.uniform(0.2, 0.6) * wide, random.uniform(0.2, 0.5) * high
    draw.rectangle((x, y, x + wide * 0.2, y + high * 0.3), fill="black")


def annotation(draw: ImageDraw.ImageDraw, wide: int, high: int, random: Random) -> None:
    """A frame around a part."""
    draw.rectangle((wide * 0.2, high * 0.2, wide * 0.7, high * 0.8), outline="lime", width=4)


def combined(*edits: Edit) -> Edit:
    """Several edits, one after the other."""

    def change(image: Image.Image, random: Random) -> Image.Image:
        for edit in edits:
            image = edit(image, random)
        return image

    return change


def enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance], factor: float) -> Edit:
    """Change colour, contrast or brightness by Pillow's factor."""
    return lambda image, random: kind(image).enhance(factor)


def scaled(factor: float) -> Edit:
    """Change the size."""
    return lambda image, random: image.resize((round(image.width * factor), round(image.height * factor)))
