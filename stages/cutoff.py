"""Stage cutoff: apply decisions, drop copies, hold each class between its minimum and maximum (`dvc repro cutoff`)."""

import sys

import pandas as pd

from curation import tables
from curation.decisions.fold import fold
from curation.decisions.on_images import unmatched
from curation.decisions.while_running import with_all_decisions
from curation.errors import printable
from curation.project import Project
from curation.project.stage_main import stage_main
from curation.report import funnel_figure
from curation.selection import funnel
from curation.selection.copies import losses
from curation.selection.cutoff import FROM_DUPLICATES, FROM_IMAGES, select


@stage_main
def main() -> None:
    project = Project.find()
    with_all_decisions(project.reviews, "cutoff", lambda reviews: cutoff(project, reviews))


def cutoff(project: Project, reviews: pd.DataFrame) -> None:
    params, reports = project.params(), project.report("selection")
    images = project.table(tables.IMAGES, FROM_IMAGES)
    duplicates = project.table(tables.DUPLICATES, [*FROM_DUPLICATES, "scene"])
    gone = unmatched(fold(reviews), images)
    if gone:
        log = project.relative(project.reviews)
        told = f"{log}: {len(gone)} decided images are not in data/ (the first: {gone[0]}); ignored"
        print(printable(told), file=sys.stderr)
    selection = select(images, duplicates, reviews, params)
    project.write_table(selection, tables.SELECTION)
    for warning in losses.of_round(selection, duplicates, params.dedupe):
        print(printable(str(warning)), file=sys.stderr)
    table, passed = funnel.classes(selection, params), funnel.funnel(selection)
    parts = {"funnel": passed, "classes": table, "dropped": funnel.dropped(selection)}
    funnel_figure.write_tables(reports, parts)
    funnel_figure.draw_funnel(passed, table, funnel.ORIGINS, reports / "funnel.svg")
    counts = selection["state"].value_counts()
    if told := funnel.nothing_left(table):
        print(printable(told), file=sys.stderr)
    print("cutoff: " + ", ".join(f"{counts[state]:,} {state}" for state in sorted(counts.index)))


if __name__ == "__main__":
    main()
