"""What other hashes and a copy-detection descriptor say about a pair of files. For benchmarks/relations.py.

- pHash: the 64 bits of imagehash, at most 8 different.
- imagededup: its PHash (the median without the first frequency), at most 10 different, its default.
- PDQ: Meta's hash of 256 bits through pdqhash, at most 31 different, the limit that its paper recommends.
- SSCD: the descriptor of Pizzi et al. (2022) in an ONNX file that the user names, a cosine above 0.5.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dct

Bits = NDArray[np.bool_]
Similar = Callable[[Path, Path], bool]
SIDE = 288  # pixels of SSCD's input


class Peers:
    """The peers that are installed, each a function of two files; what was computed of a file is kept."""

    def __init__(self, descriptor: Path | None = None) -> None:
        self.names = ["pHash <= 8", "imagededup <= 10"]
        self._limits: list[tuple[Callable[[Image.Image], Bits], int]] = [(phash, 8), (imagededup, 10)]
        try:
            import pdqhash  # noqa: F401
        except ImportError:
            print("PDQ is left out: pip install 'curation[pdq]'")
        else:
            self.names.append("PDQ <= 31")
            self._limits.append((pdq, 31))
        self._session = None
        if descriptor:
            import onnxruntime

            self._session = onnxruntime.InferenceSession(descriptor, providers=["CPUExecutionProvider"])
            self.names.append("SSCD > 0.5")
        self._known: dict[Path, tuple[list[Bits], NDArray[np.float32]]] = {}

    def say(self, one: Path, other: Path) -> list[bool]:
        """Whether each peer takes the two files for copies, in the order of `names`."""
        ours, theirs = self._of(one), self._of(other)
        near = zip(self._limits, ours[0], theirs[0], strict=True)
        said = [bool((a != b).sum() <= limit) for (_, limit), a, b in near]
        return [*said, *([bool(ours[1] @ theirs[1] > 0.5)] if self._session else [])]

    def _of(self, file: Path) -> tuple[list[Bits], NDArray[np.float32]]:
        if file not in self._known:
            with Image.open(file) as image:
                one = image.convert("RGB")
            self._known[file] = [hash_of(one) for hash_of, _ in self._limits], self._described(one)
        return self._known[file]

    def _described(self, image: Image.Image) -> NDArray[np.float32]:
        if self._session is None:
            return np.zeros(1, np.float32)
        pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
        entry = self._session.get_inputs()[0]
        if entry.type == "tensor(float)":
            mean, spread = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
            pixels = ((pixels / 255 - mean) / spread).astype(np.float32).transpose(2, 0, 1)
        vector = np.asarray(self._session.run(None, {entry.name: pixels[None]})[0][0], np.float32)
        return vector / max(float(np.linalg.norm(vector)), 1e-9)


def phash(image: Image.Image) -> Bits:
    """As imagehash.phash."""
    low = _low(image.convert("L"))
    return np.asarray(low > np.median(low))


def imagededup(image: Image.Image) -> Bits:
    """As imagededup's PHash: the picture is resized in colour first, and the mean brightness is left out."""
    low = _low(image.resize((32, 32), Image.Resampling.LANCZOS).convert("L"))
    return np.asarray(low >= np.median(low[1:]))


def pdq(image: Image.Image) -> Bits:
    """PDQ's 256 bits."""
    import pdqhash

    return np.asarray(pdqhash.compute(np.asarray(image))[0], bool)


def _low(grey: Image.Image) -> NDArray[np.float64]:
    cells = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS), np.float64)
    return np.asarray(dct(dct(cells, axis=0), axis=1)[:8, :8].ravel())


def share(values: Sequence[bool]) -> float | None:
    """The mean, or None of nothing."""
    return float(np.mean(values)) if len(values) else None
