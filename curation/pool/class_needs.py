"""Find the classes that need more images: those near or below the cutoff, and those with mostly staged images."""

from dataclasses import dataclass

import pandas as pd

from curation.params import Params
from curation.selection.class_limits import Limits
from curation.tables.codes import Origin, Reason, State


@dataclass(frozen=True)
class Need:
    """A class that needs images: the number it has, and the number it should have."""

    label: str
    has: int
    wants: int

    @property
    def missing(self) -> int:
        """The number of images that the class still needs."""
        return max(self.wants - self.has, 0)


def thin(selection: pd.DataFrame, params: Params, want: int = 0) -> list[Need]:
    """Return the classes with fewer images than `want`, the neediest first.

    With `want` 0, the limit is the cutoff of the class plus `cutoff.reach`. Images are counted as the cutoff counts
    them: removed copies and removed images do not count, and staged and synthetic images count as `cutoff.count` says.
    """
    usable = countable(selection)
    counted = usable[usable.origin == Origin.REAL] if params.cutoff.count == "real" else usable
    labels = pd.Series(sorted(set(usable.label)), dtype="str")
    least = Limits(params, "min").of(labels) + params.cutoff.reach
    has = counted.label.value_counts()
    pairs = zip(labels, least, strict=True)
    return neediest([Need(label, int(has.get(label, 0)), want or int(most)) for label, most in pairs])


def staged(selection: pd.DataFrame, share: float = 0.5) -> list[Need]:
    """Return the classes where the share of staged or synthetic images is at least `share`.

    Each class should have as many real images as it has others.
    """
    usable = countable(selection)
    real = usable[usable.origin == Origin.REAL].label.value_counts()
    total = usable.label.value_counts()
    found = []
    for label, count in total.items():
        has = int(real.get(label, 0))
        if count > has and (count - has) / count >= share:
            found.append(Need(str(label), has, max(int(count) - has, has + 1)))
    return neediest(found)


def countable(selection: pd.DataFrame) -> pd.DataFrame:
    """Return the images that count for the size of their class: kept, in reserve, or dropped only for the size."""
    small = selection.reason_code == Reason.BELOW_MINIMUM
    return selection[selection.state.isin([State.KEPT, State.RESERVE]) | small]


def neediest(needs: list[Need]) -> list[Need]:
    """Return the needs that still miss images, the largest number first."""
    return sorted((need for need in needs if need.missing), key=lambda need: (-need.missing, need.label))
