"""Stage split: give whole leak groups their split, and keep the splits of earlier models (`dvc repro split`)."""

import sys

import pandas as pd

from curation import tables
from curation.errors import printable
from curation.model.header import read_header
from curation.project import Project
from curation.project.stage_main import stage_main
from curation.report import funnel_figure
from curation.selection import funnel
from curation.selection.copies import losses
from curation.selection.groups.capture_times import seconds_of_times
from curation.selection.groups.group_effect import without_groups
from curation.selection.groups.group_warnings import of_groups
from curation.selection.groups.newest import lines_on_newest
from curation.selection.model_chosen import nothing_to_measure
from curation.selection.renewal.benchmark_renewals import explained, read_renewals, renewed
from curation.selection.split import split
from curation.tables.codes import MODEL_SPLITS


@stage_main
def main() -> None:
    project = Project.find()
    params, reports = project.params(), project.report("split")
    selection = project.table(tables.SELECTION)
    renewals = read_renewals(project.benchmark_renewals)
    lineage = renewed(read_header(project.base_model(params)).known, renewals)
    splits = explained(split(selection, params, lineage), renewals)
    project.write_table(splits, tables.SPLITS)
    warnings = [*losses.of_classes(losses.selected(selection), params.dedupe), *of_groups(selection, splits)]
    for warning in warnings:
        print(printable(str(warning)), file=sys.stderr)
    if told := nothing_to_measure(splits):
        print(told, file=sys.stderr)
    table, passed = funnel.by_split(splits), funnel.funnel(selection, splits)
    funnel_figure.write_tables(reports, {"funnel": passed, "classes": table, "basis": funnel.basis(splits)})
    funnel_figure.draw_funnel(passed, table, MODEL_SPLITS, reports / "funnel.svg")
    shared = without_groups(selection, project.table(tables.DUPLICATES, ["image_id", "leak_group"]), params)
    if shared:
        funnel_figure.write_tables(reports, {"groups": pd.DataFrame([shared])})
        print(shared)
    if params.split.newest:
        print("\n".join(lines_on_newest(splits, selection, seconds_of_times(selection["captured_at"]))))
    counts = splits["split"].value_counts()
    print("split: " + ", ".join(f"{counts[name]:,} {name}" for name in sorted(counts.index)))


if __name__ == "__main__":
    main()
