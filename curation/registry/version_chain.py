"""The change over many versions: paired differences on shared images and classes, added up from promotion to promotion.

Accuracies of years apart are measured on other images and other classes, so their difference says little. Each
promotion compared its model with the one before on the same images, on the classes that both knew. These differences
add up along the line of models (a chain index, as statisticians use for prices). Their intervals are joined by MOVER
(Zou and Donner 2008). An image that became better in one round can only stay or become worse in the next one, so the
joined interval is rather too wide than too narrow; benchmarks/reuse.py measures it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from curation.registry.versions import Entry
from curation.tables.codes import Split

SETS = (Split.BENCHMARK.value, Split.TEST.value)  # all benchmark sets together, then test


@dataclass(frozen=True)
class Change:
    """A difference in accuracy with its 95 % interval, and the number of promotions that it is added up from."""

    difference: float
    low: float
    high: float
    steps: int

    def then(self, link: Mapping[str, float]) -> "Change":
        """This change, and the one of the next promotion."""
        both = self.difference + link["difference"]
        down = math.hypot(self.difference - self.low, link["difference"] - link["low"])
        up = math.hypot(self.high - self.difference, link["high"] - link["difference"])
        return Change(both, both - down, both + up, self.steps + 1)


START = Change(0.0, 0.0, 0.0, 0)


def chain(log: Sequence[Entry], name: str) -> dict[str, tuple[str, Change]]:
    """For each version: the version that its line begins with, and the change since then, on the set `name`.

    A line begins where a model had no base that answers, or where a promotion did not measure the difference.
    name: one of the keys of `Entry.links`, such as "test", "benchmark" or "benchmark/frozen".
    """
    found: dict[str, tuple[str, Change]] = {}
    by_md5: dict[str, str] = {}
    for entry in log:
        if entry.action != "promote":
            continue
        before, link = by_md5.get(entry.parent), entry.links.get(name)
        if before in found and link:
            first, change = found[before]
            found[entry.version] = first, change.then(link)
        else:
            found[entry.version] = entry.version, START
        by_md5[entry.md5] = entry.version
    return found
