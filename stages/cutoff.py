"""Stage cutoff: decisions, twins, and every class between its minimum and its maximum. Run by `dvc repro cutoff`."""

import sys
from pathlib import Path

from curation import params, tables
from curation.decisions import fold
from curation.decisions.log import REVIEWS, read_reviews
from curation.project.stage_main import stage_main
from curation.report import funnel_figure
from curation.selection import funnel
from curation.selection.cutoff import FROM_DUPLICATES, FROM_IMAGES, select

DATA = Path("data")
REPORTS = Path("reports/selection")


@stage_main
def main() -> None:
    knobs = params.load()
    images = tables.stored(tables.IMAGES, FROM_IMAGES)
    duplicates = tables.stored(tables.DUPLICATES, FROM_DUPLICATES)
    reviews = read_reviews(REVIEWS)
    gone = fold.unmatched(fold.fold(reviews), images)
    if gone:
        print(
            f"{REVIEWS}: {len(gone)} decided images are not in data/ (the first: {gone[0]}); ignored", file=sys.stderr
        )
    selection = select(images, duplicates, reviews, knobs)
    tables.write(selection, DATA / "selection.parquet", tables.SELECTION)
    table, passed = funnel.classes(selection, knobs), funnel.funnel(selection)
    parts = {"funnel": passed, "classes": table, "dropped": funnel.dropped(selection)}
    funnel_figure.write_tables(REPORTS, parts)
    funnel_figure.draw_funnel(passed, table, funnel.ORIGINS, REPORTS / "funnel.svg")
    counts = selection["state"].value_counts()
    print("cutoff: " + ", ".join(f"{counts[state]:,} {state}" for state in sorted(counts.index)))


if __name__ == "__main__":
    main()
