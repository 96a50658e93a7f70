"""Small pictures with something in them, and files made of them."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def make_picture(seed: int = 0, size: tuple[int, int] = (120, 90)) -> Image.Image:
    """A random RGB picture with detail at several scales, as photographs have; like no other seed's."""
    random = np.random.default_rng(seed)
    layers = [_cloud(random, cells, size) for cells in (5, 12, 30)]
    return Image.fromarray(np.average(layers, axis=0, weights=(4, 2, 1)).astype(np.uint8))


def _cloud(random: np.random.Generator, cells: int, size: tuple[int, int]) -> np.ndarray:
    coarse = random.integers(0, 256, (cells, cells + 2, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


@pytest.fixture
def picture() -> Callable[..., Image.Image]:
    return make_picture


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """Encode an image: encoded(image, "PNG", **options) -> bytes."""

    def encode(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
        stream = BytesIO()
        image.save(stream, form, **options)
        return stream.getvalue()

    return encode


@pytest.fixture
def project(tmp_path: Path) -> Callable[[dict[str, bytes | str]], Path]:
    """Lay files down: project({"data/raw/cat/a.jpg": bytes}) -> its root."""

    def lay(files: dict[str, bytes | str]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path

    return lay
