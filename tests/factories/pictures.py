"""Small pictures with something in them, and files made of them."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


def make_picture(seed: int = 0, size: tuple[int, int] = (120, 90)) -> Image.Image:
    """A random RGB picture with detail at several scales, as photographs have; like no other seed's."""
    random = np.random.default_rng(seed)
    layers = [_cloud(random, cells, size) for cells in (5, 12, 30)]
    return Image.fromarray(np.average(layers, axis=0, weights=(4, 2, 1)).astype(np.uint8))


def _cloud(random: np.random.Generator, cells: int, size: tuple[int, int]) -> np.ndarray:
    coarse = random.integers(0, 256, (cells, cells + 2, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def encoded(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    """Encode an image: encoded(image, "PNG", **options) -> bytes."""
    stream = BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def lay(root: Path, files: dict[str, bytes | str]) -> Path:
    """Lay files down below a folder: lay(root, {"data/raw/cat/a.jpg": bytes}) -> root."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def colour_pixels(label: str, rng: np.random.Generator, size: int = 16) -> np.ndarray:
    """A noisy patch of a class's colour, uint8 [size, size, 3]; any other label is grey noise."""
    base = np.array(COLOURS.get(label, (128, 128, 128)))
    return np.clip(base + rng.normal(0, 30, (size, size, 3)), 0, 255).astype(np.uint8)


def write_patch(path: Path, label: str, seed: int = 0) -> Path:
    """Write a patch of a colour to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(colour_pixels(label, np.random.default_rng(seed), 24)).save(path)
    return path
