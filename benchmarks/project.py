"""Images in memory to what the stage `train` reads: picture files, the pixel store, and the table of splits.

For the benchmarks of this folder that train; everything is written into the current folder.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from curation import tables
from curation.images.store.pixel_store import write_store
from curation.images.store.pixels import Pixels
from curation.params.blocks import Resize

NOTHING = {
    "subclass": "",
    "origin": "real",
    "leak_group": "",
    "group": "",
    "benchmark_set": "",
    "basis": "hash_bucket",
    "reason_code": "hash_bucket",
    "reason": "",
}


def write_project(
    images: Sequence[np.ndarray], labels: Sequence[str], sides: Sequence[str], size: int
) -> tuple[pd.DataFrame, Pixels]:
    """Write uint8 images as files, their pixels at `size` and data/splits.parquet; the splits and the store."""
    ids, paths = [f"{number:032x}" for number in range(len(images))], []
    for image_id, image, label in zip(ids, images, labels, strict=True):
        paths.append(Path(f"data/raw/{label}/{image_id}.png"))
        paths[-1].parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(paths[-1])
    places = pd.DataFrame({"image_id": ids, "path": [str(path) for path in paths], "turn": 0})
    write_store(places, Path("data/pixels"), Path(".cache/curation/pixels"), size, Resize(workers=1))
    facts = {"image_id": ids, "label": list(labels), "split": list(sides), "turn": 0, "small": False, "fold": -1}
    splits = pd.DataFrame({**facts, **NOTHING})
    tables.write(splits, Path("data/splits.parquet"), tables.SPLITS)
    return splits, Pixels(Path("data/pixels"))
