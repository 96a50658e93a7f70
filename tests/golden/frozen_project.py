"""A tiny project that never changes: its images are drawn from a seed and written as BMP, which has no encoder.

`make_project` writes a project of three classes with the cases that stages branch on: copies under one label and under
two, a mirrored copy, identical bytes, a class that is too small, an unreadable file, a pool, a benchmark set, staged
images and a few decisions. `freeze_predictions` replaces the answers of a trained network by computed ones, so that
what follows does not depend on the last bits of a float.
"""

import base64
import struct
from hashlib import md5
from pathlib import Path

import numpy as np
import pandas as pd

from curation import tables
from curation.project import behaviour_versions

ROOT = Path(__file__).parents[2]
SEED, SIDE = 20_271, 40
CLASSES = {"bar": 30, "disc": 30, "ring": 30, "thin": 5}
# A network without normalisation by batches, and few small steps: so that the rounding of another processor stays
# a thousand times smaller than what the smallest change of the recipe does.
PARAMS = """\
lr: 0.0003
epochs: 2
batch_size: 16
image_size: 32
arch: squeezenet1_1
base_model: models/backbone.safetensors
cutoff: {min: 12, max: 26}
split: {val: 0.2, test: 0.2, benchmark: 0.1}
evaluate: {bootstrap: 20}
review: {push: never}
"""
# A grey 16 x 16 JPEG of one gradient: the one picture here that an encoder made, so that JPEG's path is walked too.
JPEG = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0o"
    "MCUoKSj/wAALCAAQABABAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEG"
    "E1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJ"
    "ipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/APH/AA3oX3Pk"
    "r1Xw3oX3Pko8N6F9z5K9W8N6F9z5K//Z"
)


def make_project(root: Path) -> None:
    """Write the project below `root`: the same bytes on every machine."""
    pictures = {}
    rng = np.random.default_rng(SEED)
    for label, count in CLASSES.items():
        for number in range(count):
            pictures[f"data/raw/{label}/{number:02}.bmp"] = draw(label, rng)
    for number in range(10):
        pictures[f"data/unlabelled/{number:02}.bmp"] = draw(list(CLASSES)[number % 3], rng)
    for number in range(6):
        label = list(CLASSES)[number % 3]
        pictures[f"data/benchmark/lab/{label}/{number:02}.bmp"] = draw(label, rng)
    pictures["data/raw/unknown/0.bmp"] = draw("ring", rng)
    pictures["data/raw/bar/mirrored.bmp"] = pictures["data/raw/bar/03.bmp"][:, ::-1]
    pictures["data/raw/disc/brighter.bmp"] = pictures["data/raw/disc/04.bmp"] + np.uint8(9)
    pictures["data/raw/ring/other-label.bmp"] = pictures["data/raw/disc/05.bmp"] + np.uint8(6)
    pictures["data/raw/ring/same-bytes.bmp"] = pictures["data/raw/ring/06.bmp"]
    pictures["data/unlabelled/known.bmp"] = pictures["data/raw/bar/07.bmp"] + np.uint8(7)
    for name, pixels in pictures.items():
        write(root / name, bmp(pixels))
    write(root / "data/raw/bar/broken.bmp", b"BM not a picture")
    write(root / "data/raw/thin/gradient.jpg", base64.b64decode(JPEG))
    write(root / "data/raw/metadata.csv", b"file_name,origin,subclass\nring/00.bmp,staged,\nring/01.bmp,,wide\n")
    write(root / "data/reviews.csv", decisions(root).encode())
    write(root / "data/benchmark_renewals.csv", (ROOT / "data/benchmark_renewals.csv").read_bytes())
    for log in ("data/audits.json", "models/refused.jsonl", "models/versions.jsonl"):
        write(root / log, b"")
    write(root / "params.yaml", PARAMS.encode())
    write(root / "dvc.yaml", (ROOT / "dvc.yaml").read_bytes())
    behaviour_versions.write(root)


def draw(label: str, rng: np.random.Generator) -> np.ndarray:
    """A shape of random place, size and colours on a noisy ground: uint8 [SIDE, SIDE, 3]."""
    pixels = rng.integers(0, 100, (SIDE, SIDE, 3), dtype=np.uint8)
    x, y, size = rng.integers(12, 28), rng.integers(12, 28), rng.integers(6, 12)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    far = (rows - y) ** 2 + (columns - x) ** 2
    inside = {
        "bar": (abs(rows - y) < size) & (abs(columns - x) < size // 3),
        "disc": far < size**2,
        "ring": (far < size**2) & (far > (size - 3) ** 2),
        "thin": (abs(rows - y) < 2) & (abs(columns - x) < size),
    }[label]
    pixels[inside] = rng.integers(120, 240, 3)
    return pixels


def bmp(pixels: np.ndarray) -> bytes:
    """The pixels as an uncompressed BMP of 24 bits."""
    height, width, _ = pixels.shape
    row = pixels[::-1, :, ::-1].reshape(height, width * 3)
    data = np.pad(row, ((0, 0), (0, -row.shape[1] % 4))).tobytes()
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(data), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + head + data


def decisions(root: Path) -> str:
    """data/reviews.csv with three decisions."""
    header = (ROOT / "data/reviews.csv").read_text().splitlines()[0]
    given = {"bar/08.bmp": "relabel,disc", "disc/09.bmp": "remove,", "ring/10.bmp": "keep,"}
    names = {name: md5((root / "data/raw" / name).read_bytes()).hexdigest() for name in given}
    rows = [f"{names[name]},{what},,Ana,2026-01-02T03:04:05Z,," for name, what in given.items()]
    return "\n".join([header, *rows]) + "\n"


def write(path: Path, data: bytes) -> None:
    """Write a file and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def freeze_predictions(root: Path) -> None:
    """Write data/predictions.parquet anew: near the centre of a class, every ninth taken for another."""
    splits = tables.read(root / "data/splits.parquet", tables.SPLITS)
    classes = sorted(set(splits.label[splits.split == "train"]))
    rng = np.random.default_rng(SEED)
    rows = [answer(row, number, classes, rng) for number, row in enumerate(splits.itertuples())]
    tables.write(pd.DataFrame(rows), root / "data/predictions.parquet", tables.PREDICTIONS)


def answer(row, number: int, classes: list[str], rng: np.random.Generator) -> dict[str, object]:
    """One row of PREDICTIONS; every number is rounded, so that it is the same on every machine."""
    own = classes.index(row.label) if row.label in classes else number % len(classes)
    taken = (own + 1) % len(classes) if number % 9 == 4 else own
    sure = round(0.5 + 0.49 * rng.random(), 3)
    order = [taken, *(other for other in range(len(classes)) if other != taken)]
    shares = dict(zip(order, [sure, *[round((1 - sure) / (len(classes) - 1), 4)] * (len(classes) - 1)], strict=True))
    known = row.label in classes
    embedding = np.eye(8)[taken] * 2 + np.round(rng.normal(0, 0.4, 8), 2)
    return {
        **{name: getattr(row, name) for name in ("image_id", "split", "benchmark_set", "label", "subclass")},
        "predicted": classes[taken],
        "confidence": sure,
        "margin": round(sure - shares[order[1]], 4),
        "entropy": round(1 - sure, 3),
        "loss": round(3 * (1 - shares[own]), 3) if known else np.nan,
        "top_labels": [classes[place] for place in order],
        "top_confidences": [shares[place] for place in order],
        "label_confidence": shares[own] if known else np.nan,
        "energy": round(-4 * sure, 3),
        "embedding": embedding.astype("<f2").tobytes(),
        "base_predicted": "",
        "base_confidence": np.nan,
    }
