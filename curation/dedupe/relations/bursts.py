"""Bursts: which pictures of a large scene were taken within seconds of each other.

The time is the column `captured_at` of the metadata, or else what the camera wrote into the file (EXIF, with fractions
of seconds where it has them). Only the order and the distance of times count, so time zones play no part.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.dedupe.verification.file_pixels import ImageFiles
from curation.images.formats.exif import DAY, EXIF_IFD, exif_time
from curation.images.opening import read_bytes

Rows = NDArray[np.int32]

SECONDS = 3.0  # between one picture of a burst and the next


def seconds_of(text: str) -> float | None:
    """Seconds of a time written as ISO 8601 or as EXIF writes it; None where it tells no time of day."""
    try:
        time = datetime.fromisoformat(DAY.sub(r"\1-\2-\3", text.strip()))
    except ValueError:
        return None
    if len(text.strip()) <= len("2026-11-27"):
        return None
    return time.replace(tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class TimeOf:
    """Reads from each file when it was taken, as text; called in worker processes."""

    files: ImageFiles

    def __call__(self, block: Sequence[str]) -> list[str]:
        """Return the time of each path; "" where the file tells none."""
        return [self._time(path) for path in block]

    def _time(self, path: str) -> str:
        try:
            with warnings.catch_warnings(), Image.open(io.BytesIO(read_bytes(self.files.root / path))) as image:
                warnings.simplefilter("ignore")
                exif = image.getexif().get_ifd(EXIF_IFD)
        except Exception:  # noqa: BLE001 - whatever broken metadata raises, it tells no time
            return ""
        return exif_time(exif)


def bursts(rows: Rows, seconds: Sequence[float | None]) -> Rows:
    """Pairs, int32 [k, 2], of rows that follow each other within SECONDS; rows without a time are in no pair."""
    known = [(time, int(row)) for row, time in zip(rows, seconds, strict=True) if time is not None]
    known.sort()
    pairs = [(a, b) for (first, a), (second, b) in pairwise(known) if second - first <= SECONDS]
    return np.array(pairs, np.int32).reshape(-1, 2)
