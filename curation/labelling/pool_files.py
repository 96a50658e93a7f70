"""Find all files of the pool that show an image, identical copies included."""

import pandas as pd

from curation.project.places import UNLABELLED


def files_of(rows: pd.DataFrame, images: pd.DataFrame) -> dict[str, str]:
    """Return path -> image_id of every pool file that shows one of these images, sorted by path.

    Identical copies come from the column `copy_paths` of IMAGES.
    """
    found = dict(zip(rows.path, rows.image_id, strict=True))
    wanted = images[images.image_id.isin(set(rows.image_id))]
    for image_id, path, copies in zip(wanted.image_id, wanted.path, wanted.copy_paths, strict=True):
        found |= dict.fromkeys([path, *copies], image_id)
    return {path: image_id for path, image_id in sorted(found.items()) if path.startswith(f"{UNLABELLED}/")}
