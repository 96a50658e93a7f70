"""The round in five lines: new images, training images, quality, what waits for a person, and the next command.

The counts are those of `counting`, the accuracies those of reports/metrics.json, and the queue is that of `curate
review status`. So the numbers are the same as on every page.
"""

from collections.abc import Mapping

import pandas as pd

from curation import tables
from curation.evaluation.headline import measured
from curation.project import Project
from curation.report import counting
from curation.report.round_data import Round
from curation.review.project_queue import read_queue
from curation.review.queue_status import progress

SPLITS = ("train", "val", "test", "benchmark")


def summary(project: Project) -> list[str]:
    """Return five lines about the round of the project. TableError when a stage has not run."""
    images = project.table(tables.IMAGES, ["image_id", "copy_paths", "error"])
    duplicates = project.table(tables.DUPLICATES, ["image_id", "keeper", "conflict"])
    splits = project.table(tables.SPLITS, ["label", "split"])
    errors = project.table(tables.ERRORS, ["cluster"])
    identified = project.table(tables.IDENTIFIED, ["label", "error"])
    round_ = Round(project)
    queue = progress(read_queue(project, round_.params.review.limit))[-1]
    named = int((identified.error == "").sum())
    review = _queue(queue, counting.clusters(errors))
    return [_images(images, duplicates), _classes(splits), _model(round_), review, _next(named)]


def _images(images: pd.DataFrame, duplicates: pd.DataFrame) -> str:
    return (
        f"Images  {counting.files(images):,} files: {counting.unreadable(images):,} unreadable, "
        f"{counting.copies(images):,} identical copies, {len(counting.near_duplicates(duplicates)):,} near-duplicates, "
        f"{len(counting.conflicts(duplicates)):,} with a near-duplicate of another label."
    )


def _classes(splits: pd.DataFrame) -> str:
    sizes = splits["split"].value_counts()
    parts = ", ".join(f"{name} {sizes.get(name, 0):,}" for name in SPLITS)
    return f"Classes {counting.in_model(splits):,} in the model: {parts}; {sizes.get('reserve', 0):,} in reserve."


def _model(round_: Round) -> str:
    found = [
        f"{facts['accuracy']:.3f} on {name} ({facts['images']:,} images)"
        for name, facts in measured(round_.metrics)
        if name != "train"
    ]
    return f"Model   accuracy {', '.join(found)}." if found else "Model   no accuracy was measured."


def _queue(queue: Mapping[str, int], clusters: int) -> str:
    return (
        f"Review  {queue['left']:,} of {queue['queued']:,} queued images are left to decide, in {clusters:,} clusters: "
        "`curate review open` shows them in FiftyOne."
    )


def _next(named: int) -> str:
    return (
        f"Next    {named:,} unlabelled images were named: `curate unknowns --min-conf 0.9` lists the sure ones; "
        "`curate report` shows the round, `curate promote` starts the next."
    )
