"""Small pictures, and files made of them, as fixtures."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from factories import pictures
from PIL import Image


@pytest.fixture
def picture() -> Callable[..., Image.Image]:
    """Make a picture: picture(seed, size)."""
    return pictures.make_picture


@pytest.fixture
def encoded() -> Callable[..., bytes]:
    """Encode an image: encoded(image, "PNG", **options) -> bytes."""
    return pictures.encoded


@pytest.fixture
def project(tmp_path: Path) -> Callable[[dict[str, bytes | str]], Path]:
    """Lay files down: project({"data/raw/cat/a.jpg": bytes}) -> its root."""
    return partial(pictures.lay, tmp_path)
