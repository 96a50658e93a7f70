"""The model behind `dedupe.descriptor`: an ONNX file that makes of each picture a vector, alike for copies.

Such a model is SSCD (Pizzi et al. 2022), whose weights are under the MIT licence. Any model with one picture as its
input and one vector as its output will do. What the shape of the input does not say stands in the metadata of the file,
or else is what is usual: see `Input`.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.errors import CurationError
from curation.project.places import DESCRIPTORS

Pixels = NDArray[np.uint8]
SIDE = 288  # pixels of a side where the file states none: SSCD's
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, of pixels from 0 to 1
LEAST = 0.5  # cosine from which two pictures are compared on their pixels: above it SSCD's copies lie
BATCH = 16  # pictures at a time where the file leaves it open
FASTEST = ("CUDAExecutionProvider", "ROCMExecutionProvider", "DmlExecutionProvider")  # before the processor
TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}
EXTRA = "pip install 'curation[descriptor]', or set dedupe.descriptor: \"\""


class DescriptorError(CurationError):
    """The file of `dedupe.descriptor` can't be used."""


@dataclass(frozen=True)
class Input:
    """What a model wants to see.

    batch, high, wide: pictures at a time, and their pixels. first: whether the colours are the first axis of a picture.
    kind: type of the numbers. mean, std: of a pixel from 0 to 1; no matter for uint8. least: cosine of a likely copy.
    """

    batch: int
    high: int
    wide: int
    first: bool
    kind: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    least: float

    @classmethod
    def of(cls, shape: Sequence[object], kind: str, said: dict[str, str]) -> "Input":
        """Read the input's shape and type, and the file's metadata. Raises ValueError with what was found."""
        if kind not in TYPES or len(shape) != 4 or (shape[1] != 3) == (shape[3] != 3):
            raise ValueError(
                f"its input is {kind} {list(shape)}; expected float, float16 or uint8 of [batch, 3, height, width] or "
                "[batch, height, width, 3]"
            )
        first, side = shape[1] == 3, int(_numbers(said, "image_size", (SIDE,))[0])
        sides = shape[2:4] if first else shape[1:3]
        high, wide = (one if isinstance(one, int) else side for one in sides)
        batch = shape[0] if isinstance(shape[0], int) else BATCH
        mean, std = _numbers(said, "mean", MEAN), _numbers(said, "std", STD)
        return cls(batch, high, wide, first, kind, mean, std, _numbers(said, "similarity", (LEAST,))[0])

    def fill(self, pictures: Sequence[Pixels]) -> NDArray[Any]:
        """One batch of pictures, uint8 [high, wide, 3] each, as the model wants it, filled up with black ones.

        A batch is always full, so that the answer for a picture does not depend on how many others there are.
        """
        out = np.zeros((self.batch, self.high, self.wide, 3), np.uint8)
        out[: len(pictures)] = pictures
        scaled: NDArray[Any] = out
        if self.kind != "tensor(uint8)":
            scaled = (out / np.float32(255) - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        ordered = scaled.transpose(0, 3, 1, 2) if self.first else scaled
        return np.ascontiguousarray(ordered, TYPES[self.kind])


def _numbers(said: dict[str, str], name: str, usual: tuple[float, ...]) -> tuple[float, ...]:
    """Numbers of the file's metadata, parted by commas."""
    if name not in said:
        return usual
    try:
        found = tuple(float(text) for text in said[name].strip("[]() ").split(","))
    except ValueError:
        found = ()
    if len(found) != len(usual) or not np.isfinite(found).all():
        raise ValueError(f"its metadata say {name}: {said[name]!r}; expected {len(usual)} number(s), parted by commas")
    return found


def check_tracked(descriptor: str) -> None:
    """Raise DescriptorError where a project names a file outside of the folder that the stage dedupe depends on."""
    path = Path(os.path.normpath(descriptor))
    if descriptor and not path.is_relative_to(DESCRIPTORS):
        raise DescriptorError(
            f"dedupe.descriptor is {descriptor}, which is outside of {DESCRIPTORS}/: DVC would not see when that file "
            f"changes, and a colleague would not have it. Copy it there, set `descriptor: {DESCRIPTORS}/{path.name}`, "
            f"and share it with `dvc add {DESCRIPTORS}/{path.name}`"
        )


class DescriptorModel:
    """A model that is ready to describe pictures, on the GPU where onnxruntime has one."""

    def __init__(self, file: Path, threads: int) -> None:
        """Load the file. Raises DescriptorError where the package, the file, or its shape is not right."""
        runtime = _runtime()
        if not file.is_file():
            raise DescriptorError(
                f"dedupe.descriptor: {file} does not exist. Put the ONNX file there, or correct the path"
            )
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        wanted = [name for name in FASTEST if name in runtime.get_available_providers()]
        self._file = file
        try:
            self._session = runtime.InferenceSession(str(file), options, providers=[*wanted, "CPUExecutionProvider"])
            entry, *more = self._session.get_inputs()
            shape = [*entry.shape, *more]  # one input is expected; more of them are no shape that is known
            self.input = Input.of(shape, entry.type, self._session.get_modelmeta().custom_metadata_map)
        except Exception as error:  # noqa: BLE001 - onnxruntime has no base class for its errors
            raise self._wrong(error) from None
        self._names = [self._session.get_outputs()[0].name], entry.name
        device = self._session.get_providers()[0]
        self.version = f"{_digest(file)} {device} onnxruntime {runtime.__version__} {self.input}"

    def describe(self, pictures: Iterator[Pixels]) -> Iterator[NDArray[np.float32]]:
        """Yield a vector of length 1 for each picture, uint8 [high, wide, 3], float32 [d]; 0 where it says nothing."""
        while part := list(islice(pictures, self.input.batch)):
            outputs, name = self._names
            try:
                found = np.asarray(self._session.run(outputs, {name: self.input.fill(part)})[0], np.float32)
                vectors = _vectors(found, self.input.batch)
            except Exception as error:  # noqa: BLE001 - onnxruntime has no base class for its errors
                raise self._wrong(error) from None
            yield from vectors[: len(part)]

    def _wrong(self, error: Exception) -> DescriptorError:
        said = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        return DescriptorError(
            f"dedupe.descriptor: {self._file} can't be used: {said}. "
            "It must be an ONNX model that makes of each picture one vector; docs/dedupe.md says how SSCD is exported"
        )


def _vectors(found: NDArray[np.float32], batch: int) -> NDArray[np.float32]:
    shape = found.shape
    if len(shape) < 2 or shape[0] != batch or max(shape[1:]) != found.size // batch or found.size < 2 * batch:
        raise ValueError(f"its first output is {list(shape)}; expected [{batch}, numbers of a vector]")
    if not np.isfinite(found).all():
        raise ValueError("its output is not finite")
    flat = found.reshape(batch, -1)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12), np.float32)


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise DescriptorError(f"dedupe.descriptor needs onnxruntime, which is not installed: {EXTRA}") from None
    return onnxruntime


def _digest(file: Path) -> str:
    """A digest of the file and of the data beside it, which large ONNX models keep in files of their own."""
    found = sha256()
    for one in sorted({file, *file.parent.glob(f"{file.name}*"), *file.parent.glob(f"{file.stem}*.data")}):
        if one.is_file() and one.suffix != ".dvc":
            with one.open("rb") as stream:
                while part := stream.read(2**20):
                    found.update(part)
    return found.hexdigest()[:16]
