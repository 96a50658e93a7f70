"""Several tests at once: the chance that one of many looks significant is kept at the level of one."""

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]


def holm(p_values: Reals) -> Reals:
    """p-values [n] after Holm (1979): calling those up to 0.05 keeps the chance of any false one at 5%."""
    order = np.argsort(p_values, kind="stable")
    stepped = np.minimum(p_values[order] * np.arange(len(p_values), 0, -1), 1.0)
    out = np.empty(len(p_values))
    out[order] = np.maximum.accumulate(stepped) if len(stepped) else stepped
    return out
