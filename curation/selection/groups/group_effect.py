"""How much test would share with train without the groups of the metadata.

A test image whose group was trained on is easier than a new one (Kaufman et al. 2012, "Leakage in data mining"). Here
all images are split a second time without groups, and the test images are counted whose group would be in train, too.
"""

from typing import NamedTuple

import pandas as pd

from curation.params import Params
from curation.selection.split import split
from curation.tables.codes import Split


class Sharing(NamedTuple):
    """Test images of a split, and those of them that share a group with an image of train."""

    test_images: int
    share_with_train: int

    def __str__(self) -> str:
        return (
            f"of {self.test_images:,} test images {self.share_with_train:,} would share a group with train if all "
            "images were split anew without `split.group_by`"
        )


def without_groups(selection: pd.DataFrame, duplicates: pd.DataFrame, params: Params) -> Sharing | None:
    """Split all images anew with `split.group_by: []`, and count what test shares; None where there is nothing to say.

    selection: SELECTION. duplicates: image_id and leak_group of DUPLICATES.
    There is nothing to say where no image has a group, or none would be in test.
    The lineage is not asked, because it would keep the splits that earlier rounds gave to groups. What `cutoff` kept is
    taken as it is.
    """
    if not (selection["group"] != "").any():
        return None
    own = selection["image_id"].map(duplicates.set_index("image_id")["leak_group"])
    apart = selection.assign(group="", leak_group=own.fillna(selection["image_id"]).astype("str"))
    found = shared(split(apart, params, {}), selection)
    return found if found.test_images else None


def shared(splits: pd.DataFrame, selection: pd.DataFrame) -> Sharing:
    """Count the test images of `splits` whose leak group of SELECTION, which holds whole groups, is in train too."""
    groups = splits["image_id"].map(selection.set_index("image_id")["leak_group"])
    test = groups[splits["split"] == Split.TEST]
    return Sharing(len(test), int(test.isin(groups[splits["split"] == Split.TRAIN]).sum()))
