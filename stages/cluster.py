"""Stage cluster: errors, doubts and probable label errors, clustered and explained. Run by `dvc repro cluster`."""

from curation import tables
from curation.project import Project
from curation.project.stage_main import stage_main


@stage_main
def main() -> None:
    from curation.evaluation.queue.review_queue import COLUMNS, Inputs, review_queue

    project = Project.find()
    inputs = Inputs(
        predictions=project.table(tables.PREDICTIONS, COLUMNS["predictions"]),
        images=project.table(tables.IMAGES, COLUMNS["images"]),
        duplicates=project.table(tables.DUPLICATES, COLUMNS["duplicates"]),
        splits=project.table(tables.SPLITS, COLUMNS["splits"]),
        cross=project.table(tables.CROSS_TRAINED),
    )
    queue = review_queue(inputs, project.params())
    project.write_table(queue, tables.ERRORS)
    groups = queue["cluster"][queue["cluster"] >= 0].nunique()
    noise = int((queue["cluster"] == -1).sum())
    print(f"{len(queue):,} images to review in {groups:,} clusters, {noise:,} in none")
    for kind, count in queue["kind"].value_counts().items():
        print(f"  {count:,} {kind}")


if __name__ == "__main__":
    main()
