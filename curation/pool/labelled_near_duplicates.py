"""Find for a new image the labelled image that it is a near-duplicate of, by perceptual hash."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from curation.dedupe.hash_pairs import pairs_across
from curation.images.image_measures import hashes

UPRIGHT = 0


@dataclass(frozen=True)
class Known:
    """The labelled images: their ids, and their hashes uint64 [n, words] in the stored orientation."""

    image_ids: npt.NDArray[np.object_]
    hashes: npt.NDArray[np.uint64]
    radius: int

    @classmethod
    def of(cls, images: pd.DataFrame, radius: int) -> "Known":
        """Take the readable labelled images of IMAGES."""
        rows = images[(images.error == "") & ~images.label.isin(["", "unknown"]) & (images.hash_quality > 0)]
        return cls(rows.image_id.to_numpy(dtype=object), hashes(rows)[:, UPRIGHT], radius)

    def near_duplicates(self, frame: pd.DataFrame) -> list[str]:
        """Return for each row (column `hash`) the image_id of the nearest labelled image in any orientation, or ""."""
        best = [(self.radius + 1, "")] * len(frame)
        rows = np.flatnonzero([len(value) > 0 for value in frame.hash])
        if not len(rows) or not len(self.image_ids):
            return [""] * len(frame)
        turned = hashes(frame.iloc[rows])
        if turned.shape[2] != self.hashes.shape[1]:  # hashed with other settings: not comparable
            return [""] * len(frame)
        for orientation in range(turned.shape[1]):
            for found in pairs_across(np.ascontiguousarray(turned[:, orientation]), self.hashes, self.radius, 1):
                for left, right, distance in zip(found.left, found.right, found.distance, strict=True):
                    row = rows[left]
                    best[row] = min(best[row], (int(distance), str(self.image_ids[right])))
        return [name for _, name in best]
