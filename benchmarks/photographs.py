"""Test photographs without a network: real ones of Debian packages, and new ones made of the few that libraries carry.

A made one is a real photograph cropped, turned a little, bent in tone and colour, and often part of it blended with
another; grain is added as a sensor would. So each file has the frequencies, edges and file size of a photograph. Two of
them may still show much of the same original: `alike` tells.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from curation.engine import mapping

SIZE = (1024, 768)
LISTED = Path(__file__).with_name("real_photographs.txt")
SHARED = Path("/usr/share")
MUCH = 1 / 3  # intersection over union from which two cuts of one original show much of the same


class Cut(NamedTuple):
    """Which part of which original: turned by an angle, then a window of `share` of both sides, perhaps mirrored."""

    original: int
    angle: float
    share: float
    left: float
    top: float
    mirrored: bool


@cache
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
            Image.fromarray(getattr(data, name)()).convert("RGB")
            for name in ("astronaut", "coffee", "chelsea", "rocket")
        ),
    ]


def real(root: Path = SHARED) -> dict[str, list[Image.Image]]:
    """Return those of the listed photographs of Debian packages that are there, at most `SIZE` large, by their kind."""
    names = [line for line in LISTED.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    found: dict[str, list[Image.Image]] = {}
    for name in names:
        if (root / name).is_file():
            with Image.open(root / name) as image:
                image.draft("RGB", SIZE)
                one = image.convert("RGB")
            one.thumbnail(SIZE)
            found.setdefault("of opencv-doc" if "opencv" in name else "of desktops", []).append(one)
    return found


def photograph(originals: list[Image.Image], seed: int, size: tuple[int, int] = SIZE) -> Image.Image:
    """Make one RGB picture from a seed."""
    random = np.random.default_rng(seed)
    image, *others = (_part(originals[cut.original], cut, size) for cut in _cuts(len(originals), seed, random))
    if others:
        image = Image.composite(image, others[0], _soft_mask(random, size))
    for enhance, spread in ((ImageEnhance.Brightness, 0.35), (ImageEnhance.Contrast, 0.35), (ImageEnhance.Color, 0.6)):
        image = enhance(image).enhance(1 + random.uniform(-spread, spread))
    if random.random() < 0.2:
        image = image.filter(ImageFilter.GaussianBlur(float(random.uniform(0.5, 3))))
    grain = random.normal(0, random.uniform(0, 6), (size[1], size[0], 1))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


def alike(originals: int, one: int, other: int) -> bool:
    """Whether the photographs of two seeds show much of the same, so that nobody can say if they are twins."""
    ours, theirs = (_cuts(originals, seed, np.random.default_rng(seed)) for seed in (one, other))
    return any(_overlap(a, b) > MUCH for a in ours for b in theirs if a.original == b.original)


@dataclass(frozen=True)
class Writer:
    """Writes the photographs of a folder, by number; called in worker processes."""

    folder: Path
    seed: int

    def __call__(self, number: int) -> Path:
        """Write one JPEG of 1024 x 768 pixels, quality 80 to 95."""
        path = self.folder / f"{number:06}.jpg"
        quality = int(np.random.default_rng((self.seed, number)).integers(80, 96))
        photograph(sources(), self.seed * 1_000_003 + number).save(path, quality=quality)
        return path


def write_photographs(folder: Path, number: int, seed: int = 0) -> list[Path]:
    """Write `number` JPEGs of 1024 x 768 pixels and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return list(mapping.run(Writer(folder, seed), range(number), chunk=16))


def _cuts(originals: int, seed: int, random: np.random.Generator) -> list[Cut]:
    first = _cut(seed % originals, random)
    return [first, _cut(int(random.integers(originals)), random)] if random.random() < 0.6 else [first]


def _cut(original: int, random: np.random.Generator) -> Cut:
    angle, share = random.uniform(-8, 8), random.uniform(0.4, 0.85)
    left, top = random.uniform(0, 1 - share), random.uniform(0, 1 - share)
    return Cut(original, angle, share, left, top, bool(random.random() < 0.5))


def _part(image: Image.Image, cut: Cut, size: tuple[int, int]) -> Image.Image:
    image = image.rotate(cut.angle, Image.Resampling.BICUBIC)
    box = cut.left, cut.top, cut.left + cut.share, cut.top + cut.share
    left, top, right, bottom = (share * side for share, side in zip(box, image.size * 2, strict=True))
    image = image.resize(size, Image.Resampling.BICUBIC, (left, top, right, bottom))
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if cut.mirrored else image


def _overlap(a: Cut, b: Cut) -> float:
    """Intersection over union of two windows, in shares of the original."""
    sides = [max(0.0, min(p + a.share, q + b.share) - max(p, q)) for p, q in ((a.left, b.left), (a.top, b.top))]
    shared = sides[0] * sides[1]
    return shared / (a.share**2 + b.share**2 - shared)


def _soft_mask(random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    coarse = random.uniform(0, 255, (3, 4)).astype(np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
