"""The three image sets of the warm-start trials, in one file that can be carried to another machine.

    python benchmarks/warm_sets.py OUT [--data FOLDER] [--share /usr/share]

- fashion: Fashion-MNIST at 32 px.
- composites: cut-out photographs on parts of photographs at 64 px, as in object_groups.py. The pictures of one object
  lie in one split, so val and test show new objects.
- digits: scikit-learn's handwritten digits, from 8 to 32 px.

The file holds JPEGs or grey pixels; `read` gives arrays. `deal` divides a set for a seed: which images are in which
split, and in which order the classes are added.
"""

import argparse
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from fashion import USUAL, load

EACH = 600  # composites of a class
FASHION = 1000  # images of a class
SHARES = {"fashion": (0.4, 0.25), "composites": (0.6, 0.18), "digits": (0.5, 0.2)}  # train, val; the rest is test
SIZES = {"fashion": 32, "composites": 64, "digits": 32}


@dataclass(frozen=True)
class Images:
    """Labelled images: uint8 [n, size, size, 3], labels [n], and the number of the object [n] that each shows."""

    pixels: np.ndarray
    labels: np.ndarray
    objects: np.ndarray


@dataclass(frozen=True)
class Deal:
    """A set as one seed has it: the rows of each split, and the rank at which the class of each image is added."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    ranks: np.ndarray


def build(out: Path, data: Path, share: Path) -> None:
    """Write the file."""
    from sklearn.datasets import load_digits

    fashion, labels = load(data)
    places = np.concatenate([np.flatnonzero(labels == label)[:FASHION] for label in range(10)])
    digits = load_digits()
    objects, kinds, jpegs = _composites(share)
    np.savez_compressed(
        out,
        fashion=np.stack([_resized(image, SIZES["fashion"]) for image in fashion[places]]),
        fashion_labels=labels[places],
        digits=np.stack([_resized((image * 15.9375).astype(np.uint8), SIZES["digits"]) for image in digits.images]),
        digits_labels=digits.target,
        composites=np.frombuffer(b"".join(jpegs), np.uint8),
        composites_ends=np.cumsum([len(jpeg) for jpeg in jpegs]),
        composites_labels=np.array(kinds),
        composites_objects=np.array(objects),
    )


def _composites(share: Path) -> tuple[list[int], list[int], list[bytes]]:
    """The object, the class and the JPEG of each composite."""
    from object_groups import CLASSES, composed, grounds_of, objects_of  # needs more than a GPU machine has

    random, grounds = np.random.default_rng(0), grounds_of(share)
    objects: list[int] = []
    kinds: list[int] = []
    jpegs: list[bytes] = []
    for kind, folder in enumerate(CLASSES.values()):
        things = objects_of(share / "tuxpaint/stamps" / folder)
        first = max(objects, default=-1) + 1
        for number in range(EACH):
            image = composed(things[number % len(things)], grounds, random).resize((SIZES["composites"],) * 2)
            file = io.BytesIO()
            image.save(file, "JPEG", quality=92)
            objects.append(first + number % len(things))
            kinds.append(kind)
            jpegs.append(file.getvalue())
    return objects, kinds, jpegs


def read(path: Path, name: str) -> Images:
    """Read one set of the file."""
    with np.load(path) as file:
        labels = file[f"{name}_labels"].astype(np.int64)
        if name != "composites":
            return Images(np.repeat(file[name][..., None], 3, axis=3), labels, np.arange(len(labels)))
        data, ends = file[name].tobytes(), file["composites_ends"]
        jpegs = (data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True))
        pixels = np.stack([np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")) for jpeg in jpegs])
        return Images(pixels, labels, file["composites_objects"])


def deal(name: str, images: Images, seed: int) -> Deal:
    """Divide a set by its objects, class by class."""
    random = np.random.default_rng((seed, 7))
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for label in range(10):
        rows = np.flatnonzero(images.labels == label)
        numbers = random.permutation(np.unique(images.objects[rows]))
        train, val = SHARES[name]
        cuts = [round(train * len(numbers)), round((train + val) * len(numbers))]
        for part, chosen in zip(parts, np.split(numbers, cuts), strict=True):
            part.append(rows[np.isin(images.objects[rows], chosen)])
    ranks = random.permutation(10)[images.labels]
    train_rows, val_rows, test_rows = (np.concatenate(part) for part in parts)
    return Deal(train_rows, val_rows, test_rows, ranks)


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))


def main() -> None:
    """Write the file that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, default=USUAL, help="folder of dataset-fashion-mnist")
    parser.add_argument("--share", type=Path, default=Path("/usr/share"), help="usr/share of Debian's packages")
    asked = parser.parse_args()
    build(asked.out, asked.data, asked.share)


if __name__ == "__main__":
    main()
