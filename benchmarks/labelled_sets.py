"""Pictures with trusted labels for benchmarks of label errors: digits, clothes, and composites of photographs.

Composites are cut-out photographs of Debian's tuxpaint-stamps-default, ten kinds of things, on parts of photographs of
other Debian packages. Each has a random place, size, turn and brightness.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fashion import load
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

SIDE = 32  # pixels of a composite
THINGS = [f"animals/{kind}" for kind in ("mammals", "birds", "fish", "insects")]
THINGS += ["food/fruit", "food/vegetables", "plants/flowers", "household/tools", "household/dishes", "town/roadsigns"]


@dataclass(frozen=True)
class Labelled:
    """Pixels uint8 [n, height, width, channels] and labels int64 [n]."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


def read(name: str, count: int, share: Path, rng: np.random.Generator) -> Labelled:
    """`count` pictures of a set. share: the folder that holds the Debian packages' files, such as /usr/share."""
    if name == "composites":
        return _composites(count, share, rng)
    if name == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        pixels, labels = (digits.images * 255 / 16).astype(np.uint8), digits.target
    else:
        pixels, labels = load(share / "datasets/fashion-mnist")
    rows = rng.choice(len(labels), min(count, len(labels)), replace=False)
    return Labelled(pixels[rows][..., None], labels[rows].astype(np.int64))


def _composites(count: int, share: Path, rng: np.random.Generator) -> Labelled:
    things = [list(_cut_out(share / "tuxpaint/stamps" / kind)) for kind in THINGS]
    grounds = [Image.open(path).convert("RGB").resize((240, 160)) for path in _photographs(share / "backgrounds")]
    labels = rng.integers(len(things), size=count)
    pixels = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for row, label in enumerate(labels):
        left, top, side = int(rng.integers(0, 112)), int(rng.integers(0, 32)), int(rng.integers(64, 128))
        ground = grounds[rng.integers(len(grounds))].crop((left, top, left + side, top + side)).resize((128, 128))
        thing = things[label][rng.integers(len(things[label]))].rotate(float(rng.uniform(-20, 20)), expand=True)
        scale = rng.uniform(70, 120) / max(thing.size)
        thing = thing.resize((max(8, int(thing.width * scale)), max(8, int(thing.height * scale))))
        thing = ImageEnhance.Brightness(thing).enhance(float(rng.uniform(0.7, 1.3)))
        x, y = (int(rng.integers(0, max(1, 128 - length))) for length in thing.size)
        ground.paste(thing, (x, y), thing)
        pixels[row] = np.asarray(ground.resize((SIDE, SIDE), Image.Resampling.BOX))
    return Labelled(pixels, labels.astype(np.int64))


def _cut_out(folder: Path) -> Iterator[Image.Image]:
    files = [
        file for file in sorted(folder.rglob("*.png")) if not any(word in file.name for word in ("mirror", "flip"))
    ]
    for file in files[:24]:
        with Image.open(file) as image:
            one = image.convert("RGBA")
        if inside := one.getchannel("A").getbbox():
            yield one.crop(inside).resize((128, 128)) if max(one.size) > 1000 else one.crop(inside)


def _photographs(folder: Path) -> list[Path]:
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in {".jpg", ".png"}][:40]
    if not found:
        print(f"skipped: no photographs in {folder}. apt-get install tuxpaint-stamps-default mate-backgrounds")
        raise SystemExit
    return found
