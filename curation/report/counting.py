"""How images are counted, once for every page and command, so that no two of them disagree.

A file is one file on disk. An image is one content: files with the same bytes are copies of one image. A
near-duplicate is an image whose cluster has another keeper.
"""

import pandas as pd

SURE = 0.9  # confidence from which an answer counts as sure


def files(images: pd.DataFrame) -> int:
    """Files on disk, copies included. images: IMAGES."""
    return len(images) + copies(images)


def copies(images: pd.DataFrame) -> int:
    """Files whose bytes are those of another file."""
    return int(images["copy_paths"].map(len).sum())


def unreadable(images: pd.DataFrame) -> int:
    """Images that can't be opened."""
    return int((images["error"] != "").sum())


def near_duplicates(duplicates: pd.DataFrame) -> pd.DataFrame:
    """The rows of DUPLICATES that go, because their keeper stays."""
    return duplicates[duplicates["image_id"] != duplicates["keeper"]]


def conflicts(duplicates: pd.DataFrame) -> pd.DataFrame:
    """The rows of DUPLICATES that have a near-duplicate with another label."""
    return duplicates[duplicates["conflict"] != ""]


def in_model(splits: pd.DataFrame) -> int:
    """Classes of the model: those that have training images."""
    return int(splits.loc[splits["split"] == "train", "label"].nunique())


def clusters(errors: pd.DataFrame) -> int:
    """Clusters of the review queue; images in no cluster are not counted."""
    return int(errors.loc[errors["cluster"] >= 0, "cluster"].nunique())


def sure(identified: pd.DataFrame) -> pd.DataFrame:
    """The rows of IDENTIFIED of which the model is sure."""
    return identified[identified["confidence"] >= SURE]
