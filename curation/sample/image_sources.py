"""The sources of sample images: scikit-learn's digits and Debian's Fashion-MNIST. Both are real and need no network.

The digits are the 1,797 scans of 8x8 pixels in the UCI set "Optical Recognition of Handwritten Digits" (E. Alpaydin, C.
Kaynak). With 8x8 pixels, the zeros of two people look almost like two scans of one zero. So each digit is drawn as ink
on a sheet of paper of its own, like a photograph. Fashion-MNIST (H. Xiao et al., arXiv 1708.07747) is used unchanged.
"""

import gzip
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.errors import CurationError

CANVAS, DIGIT = 64, 48  # pixels of a sheet and of the digit on it
INSTALLED = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package dataset-fashion-mnist puts its files
DIGIT_CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FASHION_CLASSES = (
    *("t-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle-boot"),
)


class SourceError(CurationError):
    """The sample images can't be read; the message says what to do."""


@dataclass(frozen=True)
class Source:
    """A labelled set of images: `picture(i)` is image i, and its class is `classes[labels[i]]`."""

    name: str
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    picture: Callable[[int], Image.Image]
    group: tuple[str, ...] = ()  # classes that a messy collection keeps together, as sub-classes
    group_name: str = ""
    thin: str = ""  # the class of which a messy collection has too few


def digits() -> Source:
    """Return 1,797 handwritten digits, each as ink on its own sheet of paper, 64x64 pixels, RGB."""
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    return Source(
        "digits",
        DIGIT_CLASSES,
        np.asarray(bunch.target, dtype=np.int64),
        lambda index: on_paper(bunch.images[index], index),
        group=("zero", "six", "nine"),
        group_name="loop",
        thin="seven",
    )


def on_paper(ink: NDArray[Any], seed: int) -> Image.Image:
    """Draw a digit (8x8, values 0 to 16) on a sheet of paper; `seed` decides its tint, shadows and framing."""
    rng = np.random.default_rng([seed, 8])
    stroke = Image.fromarray((ink / 16).astype(np.float32)).resize((DIGIT, DIGIT), Image.Resampling.BICUBIC)
    cover = np.zeros((CANVAS, CANVAS), dtype=np.float32)
    left, top = (CANVAS - DIGIT) // 2 + rng.integers(-3, 4, size=2)
    cover[top : top + DIGIT, left : left + DIGIT] = np.asarray(stroke).clip(0, 1)
    shadow = Image.fromarray(rng.random((7, 7), dtype=np.float32)).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
    shade = np.asarray(shadow)
    shade = (shade - shade.min()) / (shade.max() - shade.min())
    paper = (255 - 140 * shade)[..., None] * rng.uniform(0.82, 1, size=3)
    pixels = paper * (1 - cover[..., None]) + cover[..., None] * rng.uniform(10, 50, size=3)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def find_fashion(folder: Path | None) -> Path | None:
    """Return the folder of Debian's Fashion-MNIST files, at or below `folder`; without `folder`, as installed."""
    if folder is None:
        return INSTALLED if (INSTALLED / "train-images-idx3-ubyte.gz").exists() else None
    for candidate in (
        folder,
        folder / INSTALLED.relative_to("/"),
        folder / "fashion-mnist",
        folder / "FashionMNIST/raw",
    ):
        if (candidate / "train-images-idx3-ubyte.gz").exists():
            return candidate
    raise SourceError(
        f"{folder} holds no Fashion-MNIST: expected train-images-idx3-ubyte.gz in it, or in "
        "its usr/share/datasets/fashion-mnist when it is the root of an unpacked Debian package "
        "(apt-get download dataset-fashion-mnist; dpkg -x *.deb FOLDER)"
    )


def fashion_mnist(folder: Path) -> Source:
    """Return the 60,000 training images and then the 10,000 test images of Fashion-MNIST, 28x28 pixels, grey."""
    parts = [
        (_idx(folder / f"{name}-images-idx3-ubyte.gz"), _idx(folder / f"{name}-labels-idx1-ubyte.gz"))
        for name in ("train", "t10k")
    ]
    images = np.concatenate([part[0] for part in parts])
    labels = np.concatenate([part[1] for part in parts]).astype(np.int64)
    return Source(
        "fashion-mnist",
        FASHION_CLASSES,
        labels,
        lambda index: Image.fromarray(images[index]),
        group=("sandal", "sneaker", "ankle-boot"),
        group_name="footwear",
        thin="bag",
    )


def _idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file of bytes (the format of the MNIST family: a magic number, the sizes, the values)."""
    try:
        data = gzip.decompress(path.read_bytes())
        dimensions = struct.unpack(">HBB", data[:4])[2]
        shape = struct.unpack(f">{dimensions}I", data[4 : 4 + 4 * dimensions])
        return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except FileNotFoundError:
        raise SourceError(
            f"{path} is missing: the folder should hold the four files *-ubyte.gz of Fashion-MNIST"
        ) from None
    except (ValueError, EOFError, struct.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{path} is damaged ({error}): fetch it again") from None


def thinned(source: Source, count: int | None, seed: int) -> NDArray[np.int64]:
    """Return the sorted indices of `count` images, evenly over the classes; of all images when `count` is None."""
    everything = np.arange(len(source.labels))
    if count is None or count >= len(everything):
        return everything
    rng = np.random.default_rng([seed, 1])
    order = rng.permutation(everything)
    rank = np.empty(len(order), dtype=np.int64)  # how many of its class come before it
    for label in range(len(source.classes)):
        members = order[source.labels[order] == label]
        rank[members] = np.arange(len(members))
    return np.sort(order[np.argsort(rank[order], kind="stable")][:count])
