"""The pairs that `dedupe.descriptor` proposes: for each image the few with the most alike descriptors.

They are candidates like those of the hashes: the pixels of the files decide what a pair is. Small and flat pictures are
left to the hashes, as with views.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.dedupe.candidates import FLAT, SMALL_FOR_VIEWS
from curation.dedupe.descriptors.described_images import Resources, describe_files
from curation.dedupe.descriptors.descriptor_model import DescriptorModel
from curation.dedupe.descriptors.nearest_descriptors import near_pairs
from curation.dedupe.image_arrays import Pictures
from curation.dedupe.verification.file_pixels import ImageFiles
from curation.engine.processes import count
from curation.params.blocks import Dedupe


class DescriptorPairs(NamedTuple):
    """Pairs of rows, int32 [k, 2], left < right, and the cosines of their descriptors, float32 [k]."""

    rows: NDArray[np.int32]
    cosines: NDArray[np.float32]


def descriptor_pairs(
    pictures: Pictures, params: Dedupe, files: ImageFiles, resources: Resources
) -> DescriptorPairs | None:
    """Describe the pictures and pair the nearest; None where `params.descriptor` is empty.

    The file of the model is named from `files.root`. Raises DescriptorError.
    """
    if not params.descriptor:
        return None
    model = DescriptorModel(files.root / params.descriptor, count(resources.workers))
    facts = pictures.facts
    large = np.asarray(facts[["width", "height"]].min(axis=1) >= SMALL_FOR_VIEWS)
    rows = np.flatnonzero(large & (facts["hash_quality"].to_numpy() >= FLAT)).astype(np.int32)
    if len(rows) < 2:
        return DescriptorPairs(np.zeros((0, 2), np.int32), np.zeros(0, np.float32))
    images = list(zip(facts["image_id"].array[rows], facts["path"].array[rows], strict=True))
    pairs, cosines = near_pairs(describe_files(model, images, files, resources), model.input.least)
    return DescriptorPairs(rows[pairs], cosines)
