"""The descriptors of a collection's images, made once for each content and kept in `.cache/curation/`.

Worker processes decode the files, and one session of the model describes them in batches. The numbers are rounded to
whole ones, so that products of two descriptors are exact and the last bits of a float decide nothing.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.dedupe.descriptors.descriptor_model import DescriptorModel, Pixels
from curation.dedupe.verification.file_pixels import ImageFiles
from curation.engine.mapping import run
from curation.engine.processes import count
from curation.engine.progress import track
from curation.images.opening import UnreadableImage
from curation.images.store.pixel_cache import PixelCache

Vectors = NDArray[np.int16]
SCALE = 1000  # length of a descriptor in whole numbers: products stay below 2**24, so float32 holds them exactly


class Resources(NamedTuple):
    """What a search may use; nothing of it changes the result. cache: a folder that is kept between runs."""

    workers: int = 0
    cache: Path | None = None


EVERY_CORE = Resources()


@dataclass(frozen=True)
class Shrink:
    """Reads a file at the size of the model's input; called in worker processes."""

    files: ImageFiles
    high: int
    wide: int

    def __call__(self, path: str) -> Pixels:
        """Return uint8 [high, wide, 3] in the order red, green, blue; black where the file can't be read."""
        try:
            pixels = self.files.read(path, max(self.high, self.wide))[:, :, ::-1]
        except UnreadableImage:
            return np.zeros((self.high, self.wide, 3), np.uint8)
        image = Image.fromarray(np.ascontiguousarray(pixels))
        return np.asarray(image.resize((self.wide, self.high), Image.Resampling.BILINEAR))


def describe_files(
    model: DescriptorModel, images: Sequence[tuple[str, str]], files: ImageFiles, resources: Resources
) -> Vectors:
    """Return int16 [n, d]: the descriptor of each image (image_id, path), of length SCALE."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = resources.cache or Path(scratch)
        cache = PixelCache(folder / "descriptors-1.sqlite")
        with closing(cache):
            prefix = sha256(f"{model.version} {files.background}".encode()).hexdigest()[:16]
            keys = [f"{prefix} {image_id}" for image_id, _ in images]
            fresh = [row for row, key in enumerate(keys) if key not in cache]
            paths = [images[row][1] for row in fresh]
            with cache.writer() as add:
                for row, vector in zip(fresh, _described(model, paths, files, resources), strict=True):
                    add(keys[row], np.rint(vector * SCALE).astype("<i2").tobytes())
            cache.forget_all_but(keys)
            return _read(cache, keys)


def _described(
    model: DescriptorModel, paths: Sequence[str], files: ImageFiles, resources: Resources
) -> Iterator[NDArray[np.float32]]:
    shrink = Shrink(files, model.input.high, model.input.wide)
    workers = count(resources.workers) if len(paths) > model.input.batch else 1
    pictures = run(shrink, paths, workers=workers, chunk=8)
    return track(model.describe(pictures), len(paths), "descriptors")


def _read(cache: PixelCache, keys: Sequence[str]) -> Vectors:
    """All descriptors, in a file that is mapped into memory: a gigabyte for a million images."""
    size = len(cache.read(keys[0])) // 2
    with tempfile.TemporaryFile() as file:
        out = np.memmap(file, np.int16, "w+", shape=(len(keys), size))
    for row, key in enumerate(keys):
        out[row] = np.frombuffer(cache.read(key), "<i2")
    return out
