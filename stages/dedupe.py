"""Stage dedupe: group near-duplicates, choose the copy that stays, name label conflicts. Run by `dvc repro dedupe`."""

from pathlib import Path

from curation import params, tables
from curation.project.stage_main import stage_main

DATA = Path("data")
FACTS = ["image_id", "path", "label", "copy_paths", "copy_labels", "error"]


@stage_main
def main() -> None:
    from curation.decisions.log import read_reviews
    from curation.dedupe.image_arrays import from_parquet
    from curation.dedupe.near_duplicates import find
    from curation.report.duplicates_page import report, write_report

    config = params.load()
    reviewed = set(read_reviews(DATA / "reviews.csv")["image_id"])
    table, summary = find(from_parquet(DATA / "images.parquet"), config.dedupe, reviewed)
    tables.write(table, DATA / "duplicates.parquet", tables.DUPLICATES)
    images = tables.stored(tables.IMAGES, FACTS)
    write_report(report(images, table), Path(), Path("reports/dedupe"), summary.lines())
    print("\n".join(summary.lines()))


if __name__ == "__main__":
    main()
