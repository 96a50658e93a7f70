"""Which of several copies stays: the order in which images become keepers.

Benchmark images come first, because they are frozen and no copy of them may be trained on. The other criteria follow
in this order, as a person would choose:

1. reviewed before not reviewed
2. labelled before unlabelled
3. real before staged, staged before synthetic
4. more pixels
5. sharper
6. less compressed: lossless before lossy, then more bytes for each pixel
7. the smaller image_id

Bytes are weighed by format. At equal quality a WebP needs about 70% of the bytes of a JPEG (Google's study of 2011), a
HEIC half, an AVIF less. A GIF has few colours, so its bytes count less.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Origin, Source

ORIGINS = {origin.value: rank for rank, origin in enumerate(Origin)}
WORTH = {
    "JPEG": 1.0,
    "JPEG2000": 1.3,
    "WEBP": 1.4,
    "HEIF": 2.0,
    "AVIF": 2.5,
    "GIF": 0.3,  # it has lost colours
}  # worth of one byte, compared with a byte of a JPEG


def keeper_order(facts: pd.DataFrame, reviewed: Collection[str] = ()) -> NDArray[np.int32]:
    """Rows int32 [n], from the one that is kept first to the one that is kept last.

    facts: image_id, source, label, origin, format, width, height, blur (low is blurred), bytes.
    reviewed: image_ids that a person decided on.

    Sharpness is rounded to powers of two, because strong compression adds edges that look like sharpness.
    """
    pixels = facts["width"].to_numpy(np.int64) * facts["height"].to_numpy(np.int64)
    blur = np.maximum(facts["blur"].to_numpy(np.float64), 1e-9)
    keys = [
        facts["image_id"].to_numpy(dtype="S32"),
        -_quality(facts, pixels),
        -np.round(np.log2(blur)),
        -pixels,
        facts["origin"].map(ORIGINS).fillna(len(ORIGINS)).to_numpy(np.int64),
        facts["label"].isin(["", UNKNOWN]).to_numpy(),
        ~facts["image_id"].isin(set(reviewed)).to_numpy(),
        (facts["source"] != Source.BENCHMARK).to_numpy(),
    ]
    return np.lexsort(keys).astype(np.int32)


def _quality(facts: pd.DataFrame, pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bytes for each pixel, as a JPEG would need them; infinite for a lossless format."""
    worth = facts["format"].map(WORTH).fillna(np.inf).to_numpy(np.float64)
    return np.asarray(facts["bytes"].to_numpy(np.int64) * worth / np.maximum(pixels, 1))
