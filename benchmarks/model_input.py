"""What it costs to give every model the pixels of its store: bytes on disk and milliseconds an image.

    python benchmarks/model_input.py

Crops of two photographs at 224 px: kept as JPEG and encoded again in memory for a new file, or kept without loss.
Writes benchmarks/results/model_input.md.
"""

import sys
import time
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

sys.path.insert(0, str(Path(__file__).parent))
from tables import Table, write_page

from curation.images.store.model_input import ModelInput

SIZE, ROUNDS = 224, 3
Act = Callable[[Any], Any]


def main() -> None:
    """Measure and write the table."""
    crops = [
        Image.fromarray(photograph[top : top + 400, left : left + 400])
        for photograph in load_sample_images().images
        for top in (0, 27)
        for left in range(0, 240, 80)
    ]
    array, jpeg = ModelInput(SIZE), ModelInput(SIZE, "jpeg", 92)
    raw = [array.pixels(image) for image in crops]
    whole = [Image.fromarray(pixels) for pixels in raw]
    rows: list[tuple[str, Act, Act]] = [
        ("JPEG of quality 92 (chosen)", jpeg.to_stored, jpeg.from_stored),
        ("array", array.to_stored, array.from_stored),
        ("array through zlib, level 6", lambda image: zlib.compress(np.asarray(image).tobytes(), 6), zlib.decompress),
        ("PNG", _saved, _opened),
    ]
    table = [_row(name, encode, decode, whole) for name, encode, decode in rows]
    about = (
        f"{len(crops)} crops of scikit-learn's two photographs at {SIZE} px, one process, median of {ROUNDS} rounds.\n"
        "Encode and decode together are what a new file costs so that a model sees the pixels of its store."
    )
    write_page(
        "model_input",
        "The pixels of the store for every model",
        about,
        [Table(["store", "KB an image", "encode, ms", "decode, ms"], table)],
    )


def _row(name: str, encode: Act, decode: Act, images: Sequence[Image.Image]) -> tuple[object, ...]:
    kept = [encode(image) for image in images]
    size = sum(map(len, kept)) / len(kept) / 1000
    return name, size, _milliseconds(encode, images), _milliseconds(decode, kept)


def _milliseconds(act: Act, values: Sequence[Any]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for value in values:
            act(value)
        times.append((time.process_time() - began) / len(values) * 1000)
    return float(np.median(times))


def _saved(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _opened(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)))


if __name__ == "__main__":
    main()
