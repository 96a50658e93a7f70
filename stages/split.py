"""Stage split: train, val, test, benchmark from whole leak groups, sticky along the lineage (`dvc repro split`)."""

from pathlib import Path

from curation import params, tables
from curation.model.header import read_header
from curation.project.stage_main import stage_main
from curation.report import funnel_figure
from curation.selection import funnel, split_check
from curation.selection.split import split

DATA = Path("data")
REPORTS = Path("reports/split")


@stage_main
def main() -> None:
    knobs = params.load()
    selection = tables.stored(tables.SELECTION)
    lineage = read_header(Path(knobs.base_model)).lineage
    splits = split(selection, knobs, lineage)
    tables.write(splits, DATA / "splits.parquet", tables.SPLITS)
    table, passed = funnel.sides(splits), funnel.funnel(selection, splits)
    funnel_figure.write_tables(REPORTS, {"funnel": passed, "classes": table, "basis": funnel.basis(splits)})
    funnel_figure.draw_funnel(passed, table, split_check.SIDES, REPORTS / "funnel.svg")
    counts = splits["split"].value_counts()
    print("split: " + ", ".join(f"{counts[name]:,} {name}" for name in sorted(counts.index)))


if __name__ == "__main__":
    main()
