"""Build the embeddings map and the similarity search from stored embeddings, without a model or a download."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MAP = "map"
SIMILAR = "similar"
SEARCHED = 64  # dimensions


def index(dataset: Any, rows: pd.DataFrame) -> None:
    """Renew the map (columns `map_x`, `map_y`) and the similarity index (column `embedding`, float16 bytes)."""
    ids = dict(zip(*dataset.values(["image_id", "id"]), strict=True))
    for key in (MAP, SIMILAR):
        if dataset.has_brain_run(key):
            dataset.delete_brain_run(key)
    _map(dataset, rows, ids)
    _similar(dataset, rows, ids)


def _map(dataset: Any, rows: pd.DataFrame, ids: dict[str, str]) -> None:
    if not {"map_x", "map_y"} <= set(rows.columns):
        return
    import fiftyone.brain as fob

    placed = rows[np.isfinite(rows["map_x"].astype(float)) & np.isfinite(rows["map_y"].astype(float))]
    if placed.empty:
        return
    view = dataset.select([ids[one] for one in placed["image_id"]], ordered=True)
    points = placed[["map_x", "map_y"]].to_numpy(dtype=float)
    fob.compute_visualization(view, points=points, brain_key=MAP, progress=False)


def _similar(dataset: Any, rows: pd.DataFrame, ids: dict[str, str]) -> None:
    if "embedding" not in rows:
        return
    import fiftyone.brain as fob

    known = rows[rows["embedding"].map(lambda value: isinstance(value, bytes) and bool(value))]
    if known.empty or known["embedding"].map(len).nunique() != 1:
        return
    view = dataset.select([ids[one] for one in known["image_id"]], ordered=True)
    table = np.stack([np.frombuffer(value, "<f2") for value in known["embedding"]]).astype(np.float32)
    how = {"backend": "sklearn", "metric": "cosine", "progress": False}
    fob.compute_similarity(view, embeddings=narrow(table), brain_key=SIMILAR, **how)


def narrow(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reduce embeddings [n, d] of length 1 to at most 64 dimensions.

    FiftyOne stores embeddings as text, which is slow. A truncated SVD keeps the angles that a cosine search needs
    (Eckart and Young, 1936).
    """
    from sklearn.decomposition import TruncatedSVD

    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    unit = table / np.where(lengths > 0, lengths, 1)
    if table.shape[1] <= SEARCHED or len(table) <= SEARCHED:
        return np.asarray(unit, dtype=np.float32)
    return np.asarray(TruncatedSVD(SEARCHED, random_state=0).fit_transform(unit), dtype=np.float32)
