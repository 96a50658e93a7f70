"""The funnel as a picture and as the tables behind it, in reports/selection and reports/split.

Matplotlib is imported when a picture is drawn, not before; the SVG carries no date and no random ids, so that the same
tables give the same bytes.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST = 40  # classes drawn


def write_tables(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write each table as CSV under its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def draw_funnel(funnel: pd.DataFrame, classes: pd.DataFrame, columns: list[str], path: Path) -> None:
    """Draw the funnel beside a bar for each of the largest classes, stacked by `columns`, as SVG."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    shown = classes.assign(all=classes[columns].sum(axis=1)).nlargest(LARGEST, "all", keep="first")
    shown["label"] = shown["label"].str.replace("$", r"\$")  # matplotlib reads mathematics between dollar signs
    with rc_context({"svg.hashsalt": "curation", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(10, max(3.0, 0.22 * len(shown) + 1)), layout="constrained")
        _bars(figure, funnel)
        _stacks(figure, shown, columns, len(classes))
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def _bars(figure: "Figure", funnel: pd.DataFrame) -> None:
    axes = figure.add_subplot(1, 2, 1)
    bars = axes.barh(funnel["step"], funnel["images"], color="#4477aa")
    axes.bar_label(bars, labels=[f"{count:,}" for count in funnel["images"]], padding=3)
    axes.margins(x=0.18)
    axes.invert_yaxis()
    axes.set_xlabel("images")
    axes.spines[["top", "right"]].set_visible(False)


def _stacks(figure: "Figure", shown: pd.DataFrame, columns: list[str], number: int) -> None:
    axes = figure.add_subplot(1, 2, 2)
    left = pd.Series(0, index=shown.index)
    colours = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377"]
    for column, colour in zip(columns, colours, strict=False):
        axes.barh(shown["label"], shown[column], left=left, color=colour, label=column)
        left = left + shown[column]
    axes.invert_yaxis()
    axes.set_xlabel("images" if len(shown) == number else f"images of the {len(shown)} largest of {number:,} classes")
    if len(shown):
        axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
