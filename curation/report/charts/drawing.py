"""The charts of all pages, drawn by matplotlib as SVG inside the page.

matplotlib was chosen because it is well kept, is installed already, and gives the same bytes at each run. plotly and
altair need 1 to 4 MB of script in each page or a browser to draw; pygal writes scripts and web addresses into its SVG.
It is imported when the first chart is drawn, as that takes 0.4 s. `chart_svg` makes the drawing follow the page: its
colours in light and dark, its fonts, and words for a screen reader.

A chart is data: `draw(Bars(...))` gives its SVG. Sizes are in pixels of a drawing of 520 pixels; a phone shows
it whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import NamedTuple

from markupsafe import Markup

from curation.report.charts import chart_axes as on
from curation.report.charts.chart_axes import WIDTH, Sheet, clean, number, short

ROW, BAR = 22, 14  # pixels from one row to the next, and a bar's height
MORE_ROOM = 150  # pixels right of the intervals, for their numbers
SMALL_CELL, LARGE_CELL = 18.0, 44.0  # a cell of a heat map below SMALL_CELL shows no numbers

Points = Sequence[tuple[float, float]]


class Bar(NamedTuple):
    """One row of a bar chart: its label, (series, value, name) parts from left to right, and the words behind it."""

    label: str
    parts: Sequence[tuple[int, float, str]]
    note: str = ""

    @property
    def total(self) -> float:
        """The sum of the parts."""
        return sum(value for _, value, _ in self.parts)


class Span(NamedTuple):
    """A value with its interval, on one row."""

    label: str
    value: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True)
class Bars:
    """Horizontal stacked bars; `marks` are (value, name) of dashed lines across, such as the class cutoffs.

    With `heading` the drawing shows `alt` and the (series, name) of `key` above the bars: in a page of its own there is
    no caption.
    """

    rows: Sequence[Bar]
    alt: str
    marks: Sequence[tuple[float, str]] = ()
    key: Sequence[tuple[int, str]] = ()
    heading: bool = False


@dataclass(frozen=True)
class Spans:
    """Values between 0 and 1 with their intervals; the axis begins where the lowest interval does."""

    rows: Sequence[Span]
    alt: str


@dataclass(frozen=True)
class Axes:
    """What the axes of a line chart mean, and their ranges (None: from the data); `whole` shows whole numbers only."""

    x: str
    y: str
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    whole: bool = False


@dataclass(frozen=True)
class Lines:
    """Lines over one pair of axes, each named at its end; `diagonal` draws where x equals y."""

    series: Sequence[tuple[str, Points]]
    axes: Axes
    alt: str
    diagonal: bool = False


@dataclass(frozen=True)
class Heatmap:
    """A confusion matrix: rows are the labels, columns the answers; shades are shares of the row."""

    names: Sequence[str]
    counts: Sequence[Sequence[int]]
    alt: str


Chart = Bars | Spans | Lines | Heatmap


def draw(chart: Chart) -> Markup:
    """Draw a chart as an SVG element for an HTML page; the same chart gives the same bytes."""
    with on.settings():
        return _draw(chart)


@singledispatch
def _draw(chart: Chart) -> Markup:
    raise TypeError(f"{type(chart).__name__} is no chart")


@_draw.register
def _(chart: Bars) -> Markup:
    left, top = (
        on.room_for([row.label for row in chart.rows]),
        (20 if chart.marks else 4) + (40 if chart.key else 22) * chart.heading,
    )
    right = max([len(row.note) for row in chart.rows] + [12]) * 6 + 18
    most = max([row.total for row in chart.rows] + [value for value, _ in chart.marks] + [1e-9])
    sheet = Sheet(WIDTH, top + len(chart.rows) * ROW + 4)
    axes = sheet.axes(left, top, WIDTH - left - right, len(chart.rows) * ROW)
    on.rows(axes, [row.label for row in chart.rows])
    axes.set_xlim(0, most)
    for place, row in enumerate(chart.rows):
        start = 0.0
        for series, value, name in row.parts:
            (bar,) = axes.barh(place, value, BAR / ROW, start, color=on.SERIES[series])
            sheet.tip(bar, f"{row.label}: {name} {number(value)}")
            start += value
        on.note(axes, (start, place), row.note or number(row.total))
    on.marks(axes, chart.marks)
    if chart.heading:
        on.heading(sheet, chart.alt, chart.key)
    told = "; ".join(f"{row.label}: {row.note or number(row.total)}" for row in chart.rows)
    return sheet.svg(chart.alt, told)


@_draw.register
def _(chart: Spans) -> Markup:
    left, height = on.room_for([row.label for row in chart.rows]), len(chart.rows) * ROW
    sheet = Sheet(WIDTH, height + 26)
    axes = sheet.axes(left, 4, WIDTH - left - MORE_ROOM, height)
    on.rows(axes, [row.label for row in chart.rows])
    floor = int(min([row.low for row in chart.rows] + [0.9]) * 10) / 10
    axes.set_xlim(max(0.0, floor), 1.0)
    on.ticks(axes.xaxis)
    axes.grid(axis="x", color=on.LINE, linewidth=1)
    told = []
    for place, row in enumerate(chart.rows):
        words = f"{row.label}: {row.value:.3f} ({row.low:.3f} to {row.high:.3f})"
        axes.plot([row.low, row.high], [place, place], color=on.SERIES[1], alpha=0.45, linewidth=3, clip_on=False)
        sheet.tip(on.dot(axes, row.value, place, on.SERIES[1]), words)
        on.note(axes, (1.0, place), f"{row.value:.3f}  {row.note}", 14)
        told.append(f"{words} {row.note}")
    return sheet.svg(chart.alt, "; ".join(told))


@_draw.register
def _(chart: Lines) -> Markup:
    width, height = 350, 250
    sheet = Sheet(width, height)
    axes = sheet.axes(44, 24, width - 44 - 78, height - 24 - 36)
    drawn = [(name, on.finite(points)) for name, points in chart.series]
    everything = [point for _, points in drawn for point in points]
    axes.set_xlim(*(chart.axes.x_range or on.span([x for x, _ in everything])))
    axes.set_ylim(*(chart.axes.y_range or on.span([y for _, y in everything])))
    on.ticks(axes.xaxis, whole=chart.axes.whole)
    on.ticks(axes.yaxis)
    axes.grid(axis="y", color=on.LINE, linewidth=1)
    axes.set_xlabel(clean(chart.axes.x), color=on.QUIET, fontsize=11)
    axes.set_title(clean(chart.axes.y), color=on.QUIET, fontsize=11, loc="left", x=-0.17, pad=10)
    if chart.diagonal:
        axes.plot([0, 1], [0, 1], color=on.QUIET, linewidth=1, dashes=(4, 4))
    for place, (_, points) in enumerate(drawn):
        if points:
            on.line(axes, points, place)
    if len(drawn) > 1:
        on.names(axes, [(name, points[-1]) for name, points in drawn if points])
    told = "; ".join(
        f"{name}: {points[0][1]:.3g} at {points[0][0]:g}, {points[-1][1]:.3g} at {points[-1][0]:g}"
        for name, points in drawn
        if points
    )
    return sheet.svg(chart.alt, f"{chart.axes.y} by {chart.axes.x}: {told}")


@_draw.register
def _(chart: Heatmap) -> Markup:
    names, left = [short(name) for name in chart.names], on.room_for(chart.names)
    cell = min(LARGE_CELL, (WIDTH - left - 10) / max(len(names), 1))
    longest = max([len(name) for name in names] + [1])
    turned = longest * 6.5 > cell
    top = longest * 7 + 12 if turned else 24
    sheet = Sheet(WIDTH, top + len(names) * cell + 4)
    axes = sheet.axes(left, top, len(names) * cell, len(names) * cell)
    axes.set_facecolor(on.EMPTY)
    axes.patch.set_visible(True)
    on.rows(axes, names)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.xaxis.tick_top()
    on.columns(axes, names, turned=turned)
    for row, line in enumerate(chart.counts):
        for column, count in enumerate(line):
            if count:
                share = count / sum(line)
                patch = on.cell(axes, (column, row), 1 - 1 / cell, on.SERIES[1 if row == column else 6], share)
                tip = f"{chart.names[row]} taken for {chart.names[column]}: {count} of {sum(line)}"
                sheet.tip(patch, tip)
                if cell >= SMALL_CELL:
                    tone = on.ON if share > 0.5 else on.INK
                    axes.text(column, row, str(count), ha="center", va="center_baseline", color=tone, fontsize=11)
    return sheet.svg(chart.alt, f"labels and answers: {', '.join(clean(name) for name in chart.names)}")
