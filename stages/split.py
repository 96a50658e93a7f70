"""Stage split: train, val, test, benchmark from whole leak groups, sticky along the lineage (`dvc repro split`)."""

from pathlib import Path

from curation import params, tables
from curation.errors import fail_cleanly
from curation.model.header import read_header
from curation.selection import check, figures, funnel
from curation.selection.split import split

DATA = Path("data")
REPORTS = Path("reports/split")


@fail_cleanly
def main() -> None:
    knobs = params.load()
    selection = tables.stored(tables.SELECTION)
    lineage = read_header(Path(knobs.base_model)).lineage
    splits = split(selection, knobs, lineage)
    tables.write(splits, DATA / "splits.parquet", tables.SPLITS)
    table, passed = funnel.sides(splits), funnel.funnel(selection, splits)
    figures.write_tables(REPORTS, {"funnel": passed, "classes": table, "basis": funnel.basis(splits)})
    figures.draw_funnel(passed, table, check.SIDES, REPORTS / "funnel.svg")
    counts = splits["split"].value_counts()
    print("split: " + ", ".join(f"{counts[name]:,} {name}" for name in sorted(counts.index)))


if __name__ == "__main__":
    main()
