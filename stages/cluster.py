"""Stage cluster: errors, doubts and probable label errors, clustered and explained. Run by `dvc repro cluster`."""

from pathlib import Path

from curation import params, tables
from curation.project.stage_main import stage_main

DATA = Path("data")


@stage_main
def main() -> None:
    from curation.evaluation.queue.review_queue import COLUMNS, Inputs, review_queue

    inputs = Inputs(
        predictions=tables.stored(tables.PREDICTIONS, COLUMNS["predictions"]),
        images=tables.stored(tables.IMAGES, COLUMNS["images"]),
        duplicates=tables.stored(tables.DUPLICATES, COLUMNS["duplicates"]),
        splits=tables.stored(tables.SPLITS, COLUMNS["splits"]),
        cross=tables.stored(tables.CROSS_TRAINED),
    )
    queue = review_queue(inputs, params.load())
    tables.write(queue, DATA / "errors.parquet", tables.ERRORS)
    groups = queue["cluster"][queue["cluster"] >= 0].nunique()
    noise = int((queue["cluster"] == -1).sum())
    print(f"{len(queue):,} images to review in {groups:,} clusters, {noise:,} in none")
    for kind, count in queue["kind"].value_counts().items():
        print(f"  {count:,} {kind}")


if __name__ == "__main__":
    main()
