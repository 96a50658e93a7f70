"""Which classes need images, and how many: those near or below the cutoff, and those that stand on staged ones."""

from dataclasses import dataclass

import pandas as pd

from curation.decisions.class_merges import resolve_merges
from curation.params import Params
from curation.selection.cutoff import minimums
from curation.tables.codes import Reason


@dataclass(frozen=True)
class Need:
    """A class that needs images: how many it has, and how many it should have."""

    label: str
    has: int
    wants: int

    @property
    def missing(self) -> int:
        """How many images it is short of."""
        return max(self.wants - self.has, 0)


def thin(selection: pd.DataFrame, params: Params, want: int = 0) -> list[Need]:
    """Classes with fewer images than `want` (0: than their cutoff and `cutoff.reach` on top), neediest first.

    Counted as the cutoff counts them: twins and removed images out, staged and synthetic ones by `cutoff.count`.
    """
    usable = countable(selection)
    counted = usable[usable.origin == "real"] if params.cutoff.count == "real" else usable
    labels = pd.Series(sorted(set(usable.label)), dtype="str")
    least = minimums(params, resolve_merges(params.classes.merge)).of(labels) + params.cutoff.reach
    has = counted.label.value_counts()
    pairs = zip(labels, least, strict=True)
    return neediest([Need(label, int(has.get(label, 0)), want or int(most)) for label, most in pairs])


def staged(selection: pd.DataFrame, share: float = 0.5) -> list[Need]:
    """Classes with at least this `share` of staged or synthetic images; each wants as many real ones as others."""
    usable = countable(selection)
    real = usable[usable.origin == "real"].label.value_counts()
    total = usable.label.value_counts()
    found = []
    for label, count in total.items():
        has = int(real.get(label, 0))
        if count > has and (count - has) / count >= share:
            found.append(Need(str(label), has, max(int(count) - has, has + 1)))
    return neediest(found)


def countable(selection: pd.DataFrame) -> pd.DataFrame:
    """The images that count to the size of their class: kept, in reserve, or dropped for nothing but its size."""
    small = selection.reason_code == Reason.BELOW_MINIMUM
    return selection[selection.state.isin(["kept", "reserve"]) | small]


def neediest(needs: list[Need]) -> list[Need]:
    """Those that miss any, the one that misses most first."""
    return sorted((need for need in needs if need.missing), key=lambda need: (-need.missing, need.label))
