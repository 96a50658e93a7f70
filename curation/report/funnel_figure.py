"""The funnel from files to training images, as a figure and as tables, in reports/selection and reports/split.

The figure has a bar for each step and a bar for each of the largest classes. The chart kit of the report (`charts`)
draws it, so that the same tables give the same bytes.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from curation.files import write_text
from curation.report.charts import Bar, Bars, draw
from curation.report.charts.chart_svg import stack
from curation.tables.names_as_data import write_csv

LARGEST = 40  # classes drawn


def write_tables(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write each table as a CSV file under its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_csv(table, folder / f"{name}.csv")


def draw_funnel(funnel: pd.DataFrame, classes: pd.DataFrame, columns: Sequence[str], path: Path) -> None:
    """Draw the funnel above a bar for each of the largest classes, stacked by `columns`, as an SVG file."""
    steps = [Bar(str(row["step"]), [(1, int(row["images"]), "images")]) for row in funnel.to_dict("records")]
    shown = classes.assign(all=classes[list(columns)].sum(axis=1)).nlargest(LARGEST, "all", keep="first")
    rows = [
        Bar(str(row["label"]), [(place, int(row[name]), name) for place, name in enumerate(columns, 1) if row[name]])
        for row in shown.to_dict("records")
    ]
    largest = "" if len(shown) == len(classes) else f"the {len(shown)} largest of "
    title = f"Images of {largest}{len(classes):,} classes"
    key = [(place, name) for place, name in enumerate(columns, 1)]
    charts = [Bars(steps, "Images after each step", heading=True), Bars(rows, title, (), key, heading=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, stack([draw(chart) for chart in charts]))
