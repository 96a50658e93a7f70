"""Test photographs without a network: new pictures made from the few real ones that libraries carry.

A real photograph is cropped, turned a little, bent in tone and colour, and part of it blended with another; grain is
added as a sensor would. So each file has the frequencies, edges and file size of a photograph, and none is like the
next.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

SIZE = (1024, 768)


def sources() -> list[Image.Image]:
    """Return the photographs of scikit-learn, and of scikit-image where it is installed."""
    from sklearn.datasets import load_sample_images

    found = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    try:
        from skimage import data
    except ImportError:
        return found
    return [
        *found,
        *(
            Image.fromarray(photo()).convert("RGB")
            for photo in (data.astronaut, data.coffee, data.chelsea, data.rocket)
        ),
    ]


def photograph(originals: list[Image.Image], seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Make one RGB picture from a seed."""
    random = np.random.default_rng(seed)
    image = _part(originals[seed % len(originals)], random, size)
    if random.random() < 0.6:
        other = _part(originals[int(random.integers(len(originals)))], random, size)
        image = Image.composite(image, other, _soft_mask(random, size))
    for enhance, spread in ((ImageEnhance.Brightness, 0.35), (ImageEnhance.Contrast, 0.35), (ImageEnhance.Color, 0.6)):
        image = enhance(image).enhance(1 + random.uniform(-spread, spread))
    if random.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(float(random.uniform(0.5, 3))))
    grain = random.normal(0, random.uniform(0, 6), (size[1], size[0], 1))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


def write_photographs(folder: Path, number: int, seed: int = 0) -> list[Path]:
    """Write `number` JPEGs of 1024 x 768 pixels, quality 80 to 95, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    originals = sources()
    paths = []
    for index in range(number):
        path = folder / f"{index:06}.jpg"
        quality = int(np.random.default_rng((seed, index)).integers(80, 96))
        photograph(originals, seed * 1_000_003 + index).save(path, quality=quality)
        paths.append(path)
    return paths


def _part(image: Image.Image, random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    image = image.rotate(float(random.uniform(-8, 8)), Image.Resampling.BICUBIC)
    share = random.uniform(0.4, 0.85)
    wide, high = image.width * share, image.height * share
    left, top = random.uniform(0, image.width - wide), random.uniform(0, image.height - high)
    image = image.resize(size, Image.Resampling.BICUBIC, (left, top, left + wide, top + high))
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else image


def _soft_mask(random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    coarse = random.uniform(0, 255, (3, 4)).astype(np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
