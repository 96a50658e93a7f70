"""The columns of metadata.csv, read back from the table IMAGES under the names that the file gives them.

Some of them are columns of IMAGES, the others are one JSON object of texts in its column `metadata`. Whoever groups,
slices, shows or explains images by a column of the metadata asks here.
"""

import json

import pandas as pd

from curation.images.collection.metadata import FACTS

HELD = ["group", "captured_at", "obtained_from", "licence", "annotator", "metadata"]  # columns of IMAGES that are read
NAMES = {column: name for name, column in FACTS.items() if name != "license"}  # column of IMAGES: name in the file


def column_names(images: pd.DataFrame) -> list[str]:
    """The columns in which at least one image has a value, sorted. images: HELD of IMAGES."""
    found = {name for column, name in NAMES.items() if (images[column] != "").any()}
    texts = images["metadata"].unique()
    return sorted(found.union(*(json.loads(text) for text in texts if text)))


def column(images: pd.DataFrame, name: str) -> pd.Series:
    """The value of each image in the column `name` of the metadata; "" where it has none. images: HELD of IMAGES."""
    if name in FACTS:
        return images[FACTS[name]]
    values = {text: json.loads(text).get(name, "") if text else "" for text in images["metadata"].unique()}
    return images["metadata"].map(values).astype("str")
