"""How often the benchmark was used to choose a model, and how much too good that makes its figures.

Each candidate that `curate promote` judged is a use, promoted or refused. The same candidate counts once.
After a renewal the count begins anew only when no image of the older benchmark is left in it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from curation import tables
from curation.evaluation.headline import measured
from curation.evaluation.uncertainty.best_of import optimism
from curation.project import Project
from curation.registry import refusals, versions
from curation.selection.renewal.benchmark_renewals import read_renewals
from curation.tables.class_names import FROZEN
from curation.tables.codes import Split


@dataclass(frozen=True)
class Use:
    """The use of one benchmark set."""

    name: str  # benchmark/<set>
    images: int
    judged: int  # different candidates
    promoted: int
    refused: int
    optimism: float  # by which the best of as many equally good candidates looks too good

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for tables and JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """The use in words; "" where it can't have made the figures better."""
        if self.judged < 2:
            return ""
        return (
            f"{self.name} has judged {self.judged} candidates ({self.promoted} promoted, {self.refused} refused): the "
            f"best of {self.judged} equally good ones looks up to {100 * self.optimism:.1f} points too good on it"
        )


def uses(project: Project, metrics: Mapping[str, Any]) -> list[Use]:
    """The use of every benchmark set in reports/metrics.json."""
    return [_use(project, name, facts) for name, facts in measured(metrics) if name.split("/")[0] == Split.BENCHMARK]


def sentences(project: Project, metrics: Mapping[str, Any]) -> list[str]:
    """What is to be said of the use of the benchmark; nothing where one candidate at most was judged."""
    said = [words for use in uses(project, metrics) if (words := use.sentence())]
    return [*said, "`curate benchmark renew` draws fresh images"] if said else []


def _use(project: Project, name: str, facts: Mapping[str, Any]) -> Use:
    since = _since(project) if name == f"{Split.BENCHMARK}/{FROZEN}" else ""
    promoted = {entry.md5 for entry in versions.read_log(project) if entry.action == "promote" and entry.time >= since}
    refused = {str(line["md5"]) for line in refusals.read(project) if str(line["time"]) >= since} - promoted
    judged = len(promoted | refused)
    found = optimism([facts["accuracy"]] * judged, facts.get("groups", facts["images"]))
    return Use(name, facts["images"], judged, len(promoted), len(refused), round(found, 6))


def _since(project: Project) -> str:
    """The time of the oldest renewal that drew an image of today's benchmark; "" where one was always in it."""
    log = read_renewals(project.benchmark_renewals)
    log = log[log["split"] == Split.BENCHMARK]
    if log.empty or not project.table_path(tables.SPLITS).exists():
        return ""
    splits = project.table(tables.SPLITS, ["image_id", "split", "benchmark_set"])
    now = splits.loc[(splits["split"] == Split.BENCHMARK) & (splits["benchmark_set"] == FROZEN), "image_id"]
    first = pd.Series(log["renewed_at"].to_numpy(), index=log["image_id"]).groupby(level=0).min()
    return str(now.map(first).fillna("").min()) if len(now) else ""
