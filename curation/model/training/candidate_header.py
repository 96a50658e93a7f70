"""What the checkpoint of a candidate says of itself, and what the next round inherits: classes, recipe and lineage."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from curation.model.base_model import Start
from curation.model.header import Header
from curation.model.training.examples import dataset_hash
from curation.model.training.loop import Outcome
from curation.selection.groups.group_keys import splits_of_groups
from curation.tables.codes import MODEL_SPLITS, Split

HISTORY = ("epoch", "lr", "train_loss", "train_accuracy", "val_loss", "val_accuracy")


def candidate_header(
    start: Start, classes: tuple[str, ...], splits: pd.DataFrame, recipe: Mapping[str, Any], outcome: Outcome
) -> Header:
    """Make the header of the candidate's checkpoint. recipe: the parameters that decide the weights."""
    base, best = start.base, outcome.history[outcome.best_epoch - 1]
    metrics = {name: round(best[name], 6) for name in HISTORY if name in best and name not in {"epoch", "lr"}}
    return Header(
        arch=base.arch,
        classes=classes,
        image_size=base.image_size,
        mean=base.mean,
        std=base.std,
        stem=base.stem,
        params=dict(recipe),
        dataset=dataset_hash(splits),
        parent=start.base_md5,
        metrics={**metrics, "best_epoch": outcome.best_epoch},
        throwaway=recipe["throwaway"] or base.throwaway,
        lineage=united_lineage(base.lineage, splits),
        groups=_united(base.groups, splits_of_groups(splits)),
    )


def united_lineage(earlier: Mapping[str, str], splits: pd.DataFrame) -> dict[str, str]:
    """Unite the lineage of the base model with today's splits: image_id -> split.

    An image that this model or an earlier one was trained on is `train`. For the others the earlier split holds.
    """
    today = splits[splits["split"].isin(MODEL_SPLITS)]
    return _united(earlier, dict(zip(today["image_id"], today["split"], strict=True)))


def _united(earlier: Mapping[str, str], today: Mapping[str, str]) -> dict[str, str]:
    united = dict(today)
    for name, split in earlier.items():
        if united.get(name) != Split.TRAIN:
            united[name] = split
    return united
