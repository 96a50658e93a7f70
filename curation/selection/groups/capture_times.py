"""When images were captured: the column `captured_at` of the metadata, or else what the camera wrote into the file."""

import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

EXIF_DAY = re.compile(r"^(\d{4}):(\d{2}):(\d{2})")
SHORT = re.compile(r"^\d{4}(-\d{2})?$")  # a year, or a month


def seconds_of_times(texts: pd.Series) -> NDArray[np.float64]:
    """Seconds since 1970 of each time, NaN where a text is none; ISO 8601, or as EXIF writes it; UTC without a zone."""
    known = {text: _seconds(text) for text in texts.unique()}
    return texts.map(known).to_numpy(dtype=np.float64)


def _seconds(text: str) -> float:
    day = EXIF_DAY.sub(r"\1-\2-\3", text.strip())
    if SHORT.match(day):
        day += "-01-01"[len(day) - 4 :]
    try:
        time = datetime.fromisoformat(day)
    except ValueError:
        return float("nan")
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
