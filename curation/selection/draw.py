"""A number in [0, 1) for every image, from its id and a salt alone: a drawing of lots that needs no memory.

The draw of an image does not depend on any other image, so it stays when others come (the idea of hash-based splits:
Warden 2018, TensorFlow's `which_set`). BLAKE2 keyed with the salt makes the draws of two purposes independent.
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def uniform(image_ids: Iterable[str], salt: str) -> NDArray[np.float64]:
    """Draw float64 [n] in [0, 1), one for each id."""
    start = blake2b(salt.encode("utf-8"), digest_size=8)

    def digest(image_id: str) -> bytes:
        state = start.copy()
        state.update(image_id.encode("utf-8"))
        return state.digest()

    raw = np.frombuffer(b"".join(map(digest, image_ids)), dtype="<u8")
    return np.asarray((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53)
