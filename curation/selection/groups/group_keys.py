"""What the lineage of a model remembers of a group of the metadata: the MD5 of its text, and its split.

Images can be deleted and others of the same patient or product can come. So a model that was trained on a group
remembers the group, not only its images. A group may be the name of a person; an MD5 keeps it out of plain sight in a
model file, and has the form of an image_id, which a checkpoint packs tightly.
"""

from hashlib import md5

import pandas as pd

from curation.tables.codes import MODEL_SPLITS, Split


def group_keys(groups: pd.Series) -> pd.Series:
    """The key of each group, by which a lineage knows it; "" where an image has none. groups: SELECTION's `group`."""
    return groups.map({text: _key_of(text) for text in groups.unique()}).astype("str")


def splits_of_groups(splits: pd.DataFrame) -> dict[str, str]:
    """The split of each group of the metadata, by its key. splits: `group` and `split` of SPLITS.

    Images of one group that are scored are in one split; a hand-made benchmark alone may disagree, and then train wins.
    """
    rows = splits[(splits["group"] != "") & splits["split"].isin(MODEL_SPLITS)].drop_duplicates(["group", "split"])
    rows = pd.concat([rows[rows["split"] != Split.TRAIN], rows[rows["split"] == Split.TRAIN]])
    return dict(zip(group_keys(rows["group"]), rows["split"], strict=True))


def _key_of(text: str) -> str:
    return md5(f"group {text}".encode(), usedforsecurity=False).hexdigest() if text else ""
