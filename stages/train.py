"""Stage train.

Pop the head, keep the knowledge, fine-tune. Run by `dvc repro train`; on several GPUs, `torchrun --nproc-per-node 4
-m stages.train`.
"""

import logging
import sys
from pathlib import Path

from curation import params, tables
from curation.project.stage_main import stage_main

OUT, REPORT = Path("models/candidate.safetensors"), Path("reports/train")
COLUMNS = ["image_id", "label", "subclass", "split", "small"]


@stage_main
def main() -> None:
    from curation.images.store.pixels import Pixels
    from curation.model.training.train_candidate import train

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    splits = tables.stored(tables.SPLITS, COLUMNS)
    header = train(splits, Pixels(Path("data/pixels")), params.load(), OUT, REPORT)
    print(f"{OUT}: {len(header.classes)} classes, val accuracy {header.metrics.get('val_accuracy', float('nan')):.3f}")


if __name__ == "__main__":
    main()
