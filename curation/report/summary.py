"""The round in five lines: what came in, what the model saw, how good it is, what waits for a person, what to run next.

Made from the tables alone, so that it says what is there and nothing else.
"""

import pandas as pd

from curation import tables
from curation.project import Project

NOT_SCORED = ["reserve", "unknown", "out"]


def summary(project: Project) -> list[str]:
    """Five lines about the tables of the project; TableError when a stage has not run."""
    images = project.table(tables.IMAGES, ["image_id", "copy_paths", "error"])
    twins = project.table(tables.DUPLICATES, ["image_id", "keeper", "conflict"])
    splits = project.table(tables.SPLITS, ["label", "split"])
    predictions = project.table(tables.PREDICTIONS, ["split", "label", "predicted"])
    errors = project.table(tables.ERRORS, ["cluster"])
    identified = project.table(tables.IDENTIFIED, ["label", "error"])
    named = int((identified.error == "").sum())
    return [_images(images, twins), _classes(splits), _model(predictions), _queue(errors), _next(named)]


def _images(images: pd.DataFrame, twins: pd.DataFrame) -> str:
    files = len(images) + int(images.copy_paths.map(len).sum())
    removed = files - len(images) + int((twins.image_id != twins.keeper).sum())
    return (
        f"Images  {files:,} files: {(images.error != '').sum():,} unreadable, {removed:,} near-duplicates removed, "
        f"{(twins.conflict != '').sum():,} with a twin of another label."
    )


def _classes(splits: pd.DataFrame) -> str:
    trained = splits[splits.split == "train"]
    sides = splits[~splits.split.isin(NOT_SCORED)].split.value_counts()
    parts = ", ".join(f"{side} {sides.get(side, 0):,}" for side in ("train", "val", "test", "benchmark"))
    return (
        f"Classes {trained.label.nunique():,} in the model: {parts}; {(splits.split == 'reserve').sum():,} in reserve."
    )


def _model(predictions: pd.DataFrame) -> str:
    right = predictions.predicted == predictions.label
    scored = (
        predictions.assign(right=right)[predictions.label.ne("unknown")].groupby("split").right.agg(["mean", "size"])
    )
    found = [
        f"{row['mean']:.3f} on {side} ({int(row['size']):,} images)"
        for side, row in scored.iterrows()
        if side in {"val", "test", "benchmark"}
    ]
    return f"Model   accuracy {', '.join(found)}."


def _queue(errors: pd.DataFrame) -> str:
    clusters = errors.cluster[errors.cluster >= 0].nunique()
    return f"Review  {len(errors):,} images wait in {clusters:,} clusters: `curate review open` shows them in FiftyOne."


def _next(named: int) -> str:
    return (
        f"Next    {named:,} unlabelled images were named: `curate unknowns --min-conf 0.9` lists the sure ones; "
        "`curate report` shows the round, `curate promote` starts the next."
    )
