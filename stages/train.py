"""Stage train: replace the head of the base model and fine-tune.

Run by `dvc repro train`; on several GPUs, `torchrun --nproc-per-node 4 -m stages.train`.
"""

import logging
import sys

from curation import tables
from curation.project import Project
from curation.project.stage_main import stage_main

COLUMNS = ["image_id", "label", "subclass", "split", "small"]


@stage_main
def main() -> None:
    from curation.images.store.pixels import Pixels
    from curation.model.training.train_candidate import train

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    project = Project.find()
    splits, params = project.table(tables.SPLITS, COLUMNS), project.located(project.params())
    out, report = project.candidate, project.report("train")
    header = train(splits, Pixels(project.pixels), params, out, report, project.caches)
    accuracy = header.metrics.get("val_accuracy", float("nan"))
    print(f"{project.relative(out)}: {len(header.classes)} classes, val accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
