"""Which images of a class that is too large are kept."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.selection import draw


def spare(frame: pd.DataFrame, images: pd.DataFrame, most: pd.Series) -> NDArray[np.bool_]:
    """Bool [n]: rows above the maximum of their class; real first, then by lot."""
    work = pd.DataFrame({"label": frame["label"], "real": frame["origin"] == "real"})
    assert len(images) == len(frame)
    work["lot"] = draw.uniform(frame["image_id"], "maximum")
    ordered = work.sort_values(["real", "lot"], ascending=[False, True])
    rank = ordered.groupby("label").cumcount().reindex(work.index)
    return np.asarray(rank.to_numpy() >= most.to_numpy())
