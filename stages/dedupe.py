"""Stage dedupe: group near-duplicates, choose the copy that stays, name label conflicts. Run by `dvc repro dedupe`."""

from curation import tables
from curation.project import Project
from curation.project.stage_main import stage_main

FACTS = ["image_id", "path", "label", "copy_paths", "copy_labels", "error"]


@stage_main
def main() -> None:
    from curation.decisions.fold import fold
    from curation.decisions.log import read_reviews
    from curation.dedupe.image_arrays import from_parquet
    from curation.dedupe.near_duplicates import find
    from curation.report.duplicates_page import report, write_report

    project = Project.find()
    reviewed = set(fold(read_reviews(project.reviews))["image_id"])
    table, summary = find(from_parquet(project.table_path(tables.IMAGES)), project.params().dedupe, reviewed)
    project.write_table(table, tables.DUPLICATES)
    images = project.table(tables.IMAGES, FACTS)
    write_report(report(images, table), project.root, project.report("dedupe"), summary.lines())
    print("\n".join(summary.lines()))


if __name__ == "__main__":
    main()
