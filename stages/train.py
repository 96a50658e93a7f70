"""Stage train: replace the head of the base model and fine-tune.

Run by `dvc repro train`; on several GPUs, `torchrun --nproc-per-node 4 -m stages.train`.
"""

import logging
import os
import sys
from typing import TYPE_CHECKING

from curation import tables
from curation.project import Project
from curation.project.stage_main import stage_main
from curation.tables.codes import Split

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

COLUMNS = ["image_id", "label", "subclass", "leak_group", "group", "split", "small"]


@stage_main
def main() -> None:
    from curation.images.store.pixels import Pixels
    from curation.model.training.train_candidate import train

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    project = Project.find()
    splits, params = project.table(tables.SPLITS, COLUMNS), project.located(project.params())
    out, report = project.candidate, project.report("train")
    header = train(splits, Pixels(project.pixels), params, out, report, project.caches)
    if os.environ.get("RANK", "0") != "0":
        return  # of several processes the first one speaks
    print(f"{project.relative(out)}: {len(header.classes)} classes, {val_in_words(header.metrics, report, splits)}")


def val_in_words(metrics: "Mapping[str, float]", report: "Path", splits: "pd.DataFrame") -> str:
    """The accuracy on val, and how much too good it is because val chose the epoch."""
    import pandas as pd

    from curation.evaluation.prediction_facts import groups_of
    from curation.evaluation.uncertainty import best_of

    if "val_accuracy" not in metrics:
        return "no image in val"
    history = pd.read_csv(report / "history.csv")["val_accuracy"].tolist()
    groups = groups_of(splits[splits["split"] == Split.VAL])
    return (
        f"val accuracy {metrics['val_accuracy']:.3f}, {best_of.in_words(history, len(set(groups.tolist())), 'epochs')}"
    )


if __name__ == "__main__":
    main()
