"""The minimum and the maximum number of images of every class, as params.yaml has them."""

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.decisions.class_merges import resolve_merges
from curation.params import Params
from curation.tables.class_names import canonical


class Limits:
    """The minimum or the maximum of every class. Exceptions of `cutoff.classes` hold for the merged class."""

    def __init__(self, params: Params, bound: Literal["min", "max"]) -> None:
        cutoff, ends = params.cutoff, resolve_merges(params.classes.merge)
        self.default = int(getattr(cutoff, bound))
        self.count = cutoff.count
        named = {canonical(label): limits for label, limits in cutoff.classes.items()}
        self.exceptions = {
            ends.get(label, label): int(limits[bound]) for label, limits in named.items() if bound in limits
        }

    def of(self, labels: pd.Series) -> NDArray[np.int64]:
        """The limit of each label, int [n]."""
        codes, names = pd.factorize(labels)
        return np.array([self.exceptions.get(name, self.default) for name in names], dtype=np.int64)[codes]
