"""The building blocks of the charts: a sheet of a given size, axes in pixels, rows, ticks, dots, notes and tooltips.

The colours here are placeholders: `chart_svg` replaces each by a colour of the page's style sheet. Names are plain
text: a dollar sign does not start a formula, and control characters are replaced, because SVG can't hold them.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from curation.errors import unseen
from curation.report.charts.chart_svg import EMPTY, INK, LINE, ON, QUIET, SERIES, as_markup

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.patches import Patch

__all__ = ["EMPTY", "INK", "LINE", "ON", "QUIET", "SERIES", "WIDTH", "Sheet"]

WIDTH = 520
MOST_LETTERS = 30  # of a label
DASHES: tuple[Any, ...] = ("solid", (0, (6, 4)), (0, (2, 3)), (0, (8, 3, 2, 3)))
SETTINGS = {
    "svg.hashsalt": "curation",  # no random ids
    "svg.fonttype": "none",  # text stays text
    "text.parse_math": False,  # `$` in a class name is a dollar sign
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",  # comes with matplotlib: text has the same width on every machine
    "font.size": 12.0,
    "lines.scale_dashes": False,
    "path.simplify": False,
}


@contextmanager
def settings() -> Iterator[None]:
    """Draw with matplotlib's defaults and SETTINGS, whatever a matplotlibrc file of the user says."""
    from matplotlib import rc_context, rcParamsDefault

    plain: Any = {key: value for key, value in rcParamsDefault.items() if not key.startswith("backend")}
    with rc_context(plain | SETTINGS):
        yield


class Sheet:
    """A drawing of `width` by `height` pixels."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self.figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        self.figure.patch.set_visible(False)
        self.tips: dict[str, str] = {}

    def axes(self, left: float, top: float, width: float, height: float) -> "Axes":
        """Axes at a place in pixels from the upper left corner, without a frame and ticks."""
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box)
        axes.spines[:].set_visible(False)
        axes.patch.set_visible(False)
        axes.set_axisbelow(True)
        axes.xaxis.set_tick_params(length=0, labelcolor=QUIET, labelsize=11)
        axes.yaxis.set_tick_params(length=0, labelcolor=QUIET, labelsize=11)
        axes.set_xticks([])
        axes.set_yticks([])
        return axes

    def tip(self, artist: "Artist", words: str) -> None:
        """Show `words` while the pointer is over a mark."""
        name = f"tip{len(self.tips)}"
        artist.set_gid(name)
        self.tips[name] = clean(words)

    def svg(self, title: str, description: str) -> Markup:
        """Make the SVG element; `title` and `description` are what a screen reader says."""
        stream = BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the browser has its own fonts
            self.figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
        return as_markup(stream.getvalue(), self.tips, clean(title), clean(description))


def rows(axes: "Axes", names: Sequence[str]) -> None:
    """Name the rows of a chart, the first at the top."""
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.yaxis.set_tick_params(labelcolor=INK, labelsize=12, pad=8)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)


def columns(axes: "Axes", names: Sequence[str], *, turned: bool) -> None:
    """Name the columns of a chart, above it; `turned` names read from below to above."""
    axes.set_xticks(range(len(names)), [short(name) for name in names])
    axes.xaxis.set_tick_params(pad=4, rotation=90 if turned else 0)


def ticks(axis: "Axis", *, whole: bool = False) -> None:
    """Mark an axis with about four round numbers, whole ones on request."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(5, integer=whole, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}" if value else "0"))


def note(axes: "Axes", at: tuple[float, float], words: str, gap: float = 6) -> None:
    """Write a text in a quiet colour to the right of a point."""
    axes.annotate(
        clean(words), at, (gap, 0), textcoords="offset points", va="center_baseline", color=QUIET, fontsize=11,
        annotation_clip=False,
    )  # fmt: skip


def marks(axes: "Axes", lines: Sequence[tuple[float, str]]) -> None:
    """Draw dashed lines across all rows, with names above. The names of two close lines are on either side."""
    left, right = axes.get_xlim()
    width = axes.get_window_extent().width / ((right - left) or 1)
    values = [value for value, _ in lines]
    close = len(values) > 1 and (max(values) - min(values)) * width < 110
    for value, name in lines:
        side = ("right" if value == min(values) else "left") if close else "center"
        axes.axvline(value, color=QUIET, linewidth=1, dashes=(4, 4), clip_on=False)
        axes.text(
            value, 1, clean(name), ha=side, va="bottom", color=QUIET, fontsize=11, transform=axes.get_xaxis_transform()
        )


def heading(sheet: Sheet, title: str, key: Sequence[tuple[int, str]]) -> None:
    """Write a title, and below it a coloured square and a name for each series."""
    page = sheet.axes(0, 0, sheet.width, sheet.height)
    page.set_xlim(0, sheet.width)
    page.set_ylim(sheet.height, 0)
    page.text(10, 16, clean(title), va="baseline", color=INK)
    left = 10.0
    for series, name in key:
        cell(page, (left + 5, 29), 10, SERIES[series], 1)
        page.text(left + 15, 33, clean(name), va="baseline", color=QUIET, fontsize=11)
        left += 32 + 7 * len(name)


def dot(axes: "Axes", x: float, y: float, colour: str, radius: float = 5) -> "Patch":
    """Draw a round dot of `radius` pixels at a point of the data."""
    from matplotlib.patches import Ellipse

    box, (left, right), (low, high) = axes.get_window_extent(), axes.get_xlim(), axes.get_ylim()
    size = (2 * radius * abs(right - left) / box.width, 2 * radius * abs(high - low) / box.height)
    return axes.add_patch(Ellipse((x, y), *size, color=colour, linewidth=0, clip_on=False))


def cell(axes: "Axes", at: tuple[float, float], size: float, colour: str, share: float) -> "Patch":
    """Draw a square of a heat map around `at`. It is fuller when `share` is larger."""
    from matplotlib.patches import Rectangle

    corner = (at[0] - size / 2, at[1] - size / 2)
    shade = 0.12 + 0.88 * share
    return axes.add_patch(Rectangle(corner, size, size, facecolor=colour, alpha=shade, linewidth=0, clip_on=False))


def line(axes: "Axes", points: Sequence[tuple[float, float]], place: int) -> None:
    """Draw the line with the number `place`; a single point is a dot."""
    colour, dashes = SERIES[place + 1], DASHES[place % len(DASHES)]
    axes.plot(*zip(*points, strict=True), color=colour, linewidth=2.2, linestyle=dashes, clip_on=False)
    if len(points) == 1:
        dot(axes, *points[0], colour, 3)


def names(axes: "Axes", ends: Sequence[tuple[str, tuple[float, float]]]) -> None:
    """Write a name at the end of each line; of names that would overlap, the upper ones move up."""
    free = -math.inf
    for name, end in sorted(ends, key=lambda one: one[1][1]):
        height = float(axes.transData.transform(end)[1])
        free = max(height, free + 14)
        axes.annotate(
            clean(name), end, (6, free - height), textcoords="offset points", va="center_baseline", color=INK,
            annotation_clip=False,
        )  # fmt: skip


def finite(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points that can be drawn."""
    return [(float(x), float(y)) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def span(values: Sequence[float]) -> tuple[float, float]:
    """Return the range of an axis that shows all values."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def room_for(names: Sequence[str]) -> int:
    """Return the pixels left of a chart for the names of its rows."""
    return min(230, max([len(short(name)) for name in names] + [4]) * 7 + 16)


def short(text: str) -> str:
    """Return a label of at most 30 letters on one line."""
    text = clean(text)
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


def clean(text: str) -> str:
    """Return the text on one line, with a replacement character for each one that can't be seen or leaves no mark."""
    return "".join(
        " " if letter in "\n\r\t" else "\N{REPLACEMENT CHARACTER}" if _unfit(letter) else letter for letter in text
    )


def number(value: float) -> str:
    """Return a number as people read it."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"


def _unfit(letter: str) -> bool:
    return unseen(letter) or letter in "\ufffe\uffff"
