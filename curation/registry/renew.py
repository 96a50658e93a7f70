"""Renew the benchmark: swap a share of the drawn benchmark for images of test, and take the last renewal back.

A benchmark wears out by judging (Dwork et al. 2015, reusable holdout): the candidates that pass are partly lucky ones.
The moves go to data/benchmark_renewals.csv; the next `dvc repro` obeys them. Nothing else is changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

from curation import tables
from curation.model.header import read_header
from curation.project import Project
from curation.project.parts import Part
from curation.project.stage_graph import read_stages
from curation.selection.renewal import benchmark_renewals
from curation.selection.renewal.benchmark_renewals import RenewalError
from curation.selection.renewal.renewal_plan import next_number, plan, undone
from curation.tables.class_names import FROZEN
from curation.tables.codes import Split

NEEDED = ["image_id", "label", "leak_group", "split", "benchmark_set"]


@dataclass(frozen=True)
class Renewal:
    """What a renewal moves, or moved: image_id -> new split, counts by class, and its number."""

    number: int
    moves: Mapping[str, str]
    classes: pd.DataFrame  # class, benchmark, wanted, retired, drawn; empty when a renewal is taken back
    written: bool

    def count(self, split: Split) -> int:
        """How many images move to this split."""
        return sum(one == split for one in self.moves.values())


def renew(project: Project, share: float, *, write: bool) -> Renewal:
    """Retire `share` of the images of each class from the drawn benchmark, and draw as many from test.

    share: above 0 and up to 1. write: add the moves to the log; else they are only returned. Raises RenewalError when
    there is no drawn benchmark, when test has no image to take its place, or when the tables do not hold the last
    renewal yet.
    """
    with project.alone(Part.REGISTRY):
        log, splits = _read(project)
        if not ((splits["split"] == Split.BENCHMARK) & (splits["benchmark_set"] == FROZEN)).any():
            raise RenewalError(
                f"there is no drawn benchmark to renew: no image has the set `{FROZEN}`. Hand-made sets are renewed by "
                f"hand: put new images into a new folder of {project.relative(project.benchmark)}"
            )
        found = plan(splits, log, share)
        if not found.moves:
            raise RenewalError(
                "nothing can be renewed: test has no image that never was in a benchmark and could take the place of "
                f"one. Collect more images, run `dvc repro`, and renew then; or ask for more than --share {share:g}"
            )
        moves = {**_remembered(project, log, splits, found.moves), **found.moves}
        return _written(project, log, moves, found.classes, write=write)


def _remembered(project: Project, log: pd.DataFrame, splits: pd.DataFrame, moves: Mapping[str, str]) -> dict[str, str]:
    """Images that nobody can score any more, but that an earlier model had in a benchmark beside an image that leaves.

    They leave with it: else their leak group would be in two splits.
    """
    left = {image for image, split in moves.items() if split == Split.TEST}
    groups = set(splits.loc[splits["image_id"].isin(left), "leak_group"])
    rows = project.table(tables.SELECTION, ["image_id", "leak_group"])
    lineage = benchmark_renewals.renewed(read_header(project.base_model(project.params())).lineage, log)
    beside = rows.loc[rows["leak_group"].isin(groups), "image_id"]
    return {image: Split.TEST.value for image in beside if lineage.get(image) == Split.BENCHMARK}


def take_back(project: Project, *, write: bool) -> Renewal:
    """Move every image of the last renewal back to the split that it had before. RenewalError when there is none."""
    with project.alone(Part.REGISTRY):
        log, _ = _read(project)
        moves = undone(log)
        if not moves:
            raise RenewalError("the benchmark was never renewed, so there is nothing to take back")
        return _written(project, log, moves, pd.DataFrame(), write=write)


def _read(project: Project) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The log, and SPLITS that obeys it. RenewalError where they do not fit, or `split` would not see the log."""
    name = project.relative(project.benchmark_renewals)
    if name not in read_stages(project.root).get("split", {}).get("deps", []):
        raise RenewalError(f"the stage `split` does not depend on {name}: add this line to its deps in dvc.yaml")
    log = benchmark_renewals.read_renewals(project.benchmark_renewals)
    splits = project.table(tables.SPLITS, NEEDED)
    at = dict(zip(splits["image_id"], splits["split"], strict=True))
    held_out = {Split.TEST.value, Split.BENCHMARK.value}
    if any(at.get(image, split) in held_out - {split} for image, split in benchmark_renewals.moved(log).items()):
        raise RenewalError("the last renewal has not been applied yet: run `dvc repro` first")
    return log, splits


def _written(
    project: Project, log: pd.DataFrame, moves: Mapping[str, str], classes: pd.DataFrame, *, write: bool
) -> Renewal:
    number = next_number(log)
    if write:
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        rows = pd.DataFrame({"image_id": list(moves), "split": list(moves.values())}).sort_values("image_id")
        rows = rows.assign(renewal=str(number), renewed_at=now, person=project.git.person())
        benchmark_renewals.append(project.benchmark_renewals, log, rows)
    return Renewal(number, moves, classes, write)
