"""How much too good the best of several models looks on the images that chose it (Cawley and Talbot 2010).

Each measured accuracy is off the true one by chance, and the model that measures best is the luckiest one. If k equally
good models err on their own, the largest of k such errors is known (Blom 1958). Models that err on the same images look
less too good, so this is the most that is expected. benchmarks/reuse.py holds it against a simulation.
"""

import math
from functools import cache

import numpy as np


def optimism(tries: int, images: float, accuracy: float) -> float:
    """Accuracy by which the best of `tries` equally good models looks too good, at most.

    - images: number of separate images that measured them; leak groups, where images come in groups
    - accuracy: what was measured, 0 to 1

    Example: `optimism(20, 200, 0.9)` is 0.041, and `optimism(20, 1000, 0.9)` is 0.018.
    """
    if tries < 2 or images <= 0:
        return 0.0
    rate = (accuracy * images + 2) / (images + 4)  # after Agresti and Coull 1998: nothing is known to be perfect
    return best_of(tries) * math.sqrt(rate * (1 - rate) / images)


@cache
def best_of(tries: int) -> float:
    """The expected largest of `tries` standard normal numbers, by numerical integration."""
    from scipy.stats import norm

    edges = np.linspace(-9, 9, 20_001)
    return float(edges[-1] - np.trapezoid(norm.cdf(edges) ** tries, edges))
