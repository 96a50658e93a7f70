"""Count images in one way for all pages and commands, so that their numbers agree.

A file is one file on disk. An image is one content: files with the same bytes are copies of one image. A near-duplicate
is an image whose cluster has another keeper.
"""

import pandas as pd

from curation.tables.codes import Split

SURE = 0.9  # confidence from which an answer counts as sure


def files(images: pd.DataFrame) -> int:
    """Return the number of files on disk, copies included; `images` is the table IMAGES."""
    return len(images) + copies(images)


def copies(images: pd.DataFrame) -> int:
    """Return the number of files with the same bytes as another file."""
    return int(images["copy_paths"].map(len).sum())


def unreadable(images: pd.DataFrame) -> int:
    """Return the number of images that can't be opened."""
    return int((images["error"] != "").sum())


def near_duplicates(duplicates: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of DUPLICATES that are removed because their keeper stays."""
    return duplicates[duplicates["image_id"] != duplicates["keeper"]]


def conflicts(duplicates: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of DUPLICATES that have a near-duplicate with another label."""
    return duplicates[duplicates["conflict"] != ""]


def in_model(splits: pd.DataFrame) -> int:
    """Return the number of classes in the model, which are those with training images."""
    return int(splits.loc[splits["split"] == Split.TRAIN, "label"].nunique())


def clusters(errors: pd.DataFrame) -> int:
    """Return the number of clusters in the review queue. Images without a cluster are not counted."""
    return int(errors.loc[errors["cluster"] >= 0, "cluster"].nunique())


def sure(identified: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of IDENTIFIED of which the model is sure."""
    return identified[identified["confidence"] >= SURE]
