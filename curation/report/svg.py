"""Charts as inline SVG, by hand: no script, no fonts to fetch, the same bytes each time, and the colours of the page.

Every chart has a text alternative, and every mark a tooltip; series differ by dash or position as well as by
colour. The sizes are those of the viewBox; the page scales the drawing to its width.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH = 720
ROW, BAR = 22, 14  # pixels from one bar to the next, and a bar's height
DASHES = ("", "6 4", "2 3", "8 3 2 3")
Points = Sequence[tuple[float, float]]


class Bar(NamedTuple):
    """One row of a bar chart: its label, (series number, value, name) parts from left to right, and a note behind."""

    label: str
    parts: Sequence[tuple[int, float, str]]
    note: str = ""


class Span(NamedTuple):
    """A value with its interval, on one row."""

    label: str
    value: float
    low: float
    high: float
    note: str = ""


class Axes(NamedTuple):
    """What the axes of a line chart mean, and their ranges (None: from the data)."""

    x: str
    y: str
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None


def bars(rows: Sequence[Bar], alt: str, marks: Sequence[tuple[float, str]] = ()) -> str:
    """Horizontal stacked bars; `marks` are dashed lines across, such as the class cutoffs."""
    left, top = _left([row.label for row in rows]), 18 if marks else 4
    right = max([len(row.note) for row in rows] + [12]) * 6 + 18
    most = max([sum(value for _, value, _ in row.parts) for row in rows] + [value for value, _ in marks] + [1e-9])
    scale = (WIDTH - left - right) / most
    out = []
    for number, row in enumerate(rows):
        y, x = top + number * ROW, float(left)
        out.append(_text(left - 8, y + BAR - 3, row.label, "end"))
        for series, value, name in row.parts:
            width = value * scale
            tip = f"<title>{escape(f'{row.label}: {name} {_number(value)}')}</title>"
            out.append(f'<rect class="s{series}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{BAR}">{tip}</rect>')
            x += width
        out.append(_text(x + 6, y + BAR - 3, row.note or _number(sum(v for _, v, _ in row.parts)), "start", "quiet"))
    height = top + len(rows) * ROW + 4
    for value, name in marks:
        x = left + value * scale
        out.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 4}" y2="{height - 4}"/>')
        out.append(_text(x, top - 7, name, "middle", "quiet"))
    return _chart(height, out, alt)


def spans(rows: Sequence[Span], alt: str) -> str:
    """Values between 0 and 1 with their intervals, one row each; the axis begins where the lowest interval does."""
    left, right, top = _left([row.label for row in rows]), 190, 4
    floor = max(0.0, math.floor(min([row.low for row in rows] + [0.9]) * 10) / 10)
    scale = (WIDTH - left - right) / (1 - floor)
    bottom = top + len(rows) * ROW
    out = []
    for tick in _ticks(floor, 1.0):
        x = left + (tick - floor) * scale
        out.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>')
        out.append(_text(x, bottom + 14, f"{tick:.3g}", "middle", "quiet"))
    for number, row in enumerate(rows):
        y = top + number * ROW + ROW / 2
        low, mid, high = (left + (value - floor) * scale for value in (row.low, row.value, row.high))
        words = f"{row.value:.3f} ({row.low:.3f} to {row.high:.3f})"
        out.append(_text(left - 8, y + 4, row.label, "end"))
        out.append(f'<line class="span" x1="{low:.1f}" x2="{high:.1f}" y1="{y:g}" y2="{y:g}"/>')
        out.append(f'<circle class="s1" cx="{mid:.1f}" cy="{y:g}" r="5"><title>{escape(words)}</title></circle>')
        out.append(_text(WIDTH - right + 14, y + 4, f"{row.value:.3f}  {row.note}", "start", "quiet"))
    return _chart(bottom + 22, out, alt)


def lines(series: Sequence[tuple[str, Points]], axes: Axes, alt: str, diagonal: bool = False) -> str:
    """Lines over one pair of axes, each named at its end; `diagonal` draws where x equals y."""
    width, height, left, right, top, bottom = 350, 250, 44, 78, 24, 36
    points = [point for _, line in series for point in line]
    x_low, x_high = axes.x_range or _range([x for x, _ in points])
    y_low, y_high = axes.y_range or _range([y for _, y in points])
    place = _Frame((left, width - right), (height - bottom, top), (x_low, x_high), (y_low, y_high))
    out = [_axis_x(place, height - bottom), _axis_y(place, left, width - right)]
    out.append(_text((left + width - right) / 2, height - 4, axes.x, "middle", "quiet"))
    out.append(_text(4, 11, axes.y, "start", "quiet"))
    if diagonal:
        (x1, y1), (x2, y2) = place(0, 0), place(1, 1)
        out.append(f'<line class="mark" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
    ends: list[float] = []
    for number, (name, line) in enumerate(series):
        drawn = [place(x, y) for x, y in line if math.isfinite(x) and math.isfinite(y)]
        if not drawn:
            continue
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
        dash = f' stroke-dasharray="{DASHES[number % 4]}"' if DASHES[number % 4] else ""
        out.append(f'<polyline class="l{number + 1}" points="{path}"{dash}/>')
        if len(drawn) == 1:
            out.append(f'<circle class="s{number + 1}" cx="{drawn[0][0]:.1f}" cy="{drawn[0][1]:.1f}" r="3"/>')
        if len(series) > 1:
            ends.append(_clear_of(drawn[-1][1], ends))
            out.append(_text(drawn[-1][0] + 6, ends[-1] + 4, name, "start"))
    return _chart(height, out, alt, width)


def heatmap(names: Sequence[str], counts: Sequence[Sequence[int]], alt: str) -> str:
    """A confusion matrix: rows are the labels, columns the answers; shades are shares of the row."""
    left, cell = _left(names), min(44.0, (WIDTH - _left(names) - 10) / max(len(names), 1))
    top = 26 if cell >= 18 else 8
    out = []
    for column, name in enumerate(names):
        if cell >= 18:
            out.append(_text(left + (column + 0.5) * cell, top - 8, _short(name, int(cell / 6.5)), "middle", "quiet"))
    for row, line in enumerate(counts):
        total, y = max(sum(line), 1), top + row * cell
        out.append(_text(left - 8, y + cell / 2 + 4, names[row], "end"))
        for column, count in enumerate(line):
            x, share = left + column * cell, count / total
            kind = "hit" if row == column else "miss"
            tip = escape(f"{names[row]} taken for {names[column]}: {count} of {total}")
            shape = f'x="{x:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}"'
            shade = "none" if not count else kind
            out.append(
                f'<rect class="{shade}" {shape} fill-opacity="{0.12 + 0.88 * share:.2f}"><title>{tip}</title></rect>'
            )
            if count and cell >= 22:
                tone = "on" if share > 0.5 else "cell"
                out.append(_text(x + cell / 2, y + cell / 2 + 4, str(count), "middle", tone))
    return _chart(top + len(names) * cell + 4, out, alt)


class _Frame:
    """From data to drawing coordinates."""

    def __init__(
        self, xs: tuple[float, float], ys: tuple[float, float], x: tuple[float, float], y: tuple[float, float]
    ) -> None:
        self.xs, self.ys, self.x, self.y = xs, ys, x, y

    def __call__(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / ((self.x[1] - self.x[0]) or 1)
        up = (y - self.y[0]) / ((self.y[1] - self.y[0]) or 1)
        return self.xs[0] + across * (self.xs[1] - self.xs[0]), self.ys[0] + up * (self.ys[1] - self.ys[0])


def _axis_x(place: _Frame, y: float) -> str:
    marks = [(place(value, 0)[0], value) for value in _ticks(*place.x)]
    return "".join(_text(x, y + 15, f"{value:.3g}", "middle", "quiet") for x, value in marks)


def _axis_y(place: _Frame, left: float, right: float) -> str:
    out = []
    for value in _ticks(*place.y):
        y = place(0, value)[1]
        out.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(_text(left - 6, y + 4, f"{value:.3g}", "end", "quiet"))
    return "".join(out)


def _ticks(low: float, high: float) -> list[float]:
    """About four round numbers from low to high."""
    raw = (high - low) / 4 or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _clear_of(y: float, others: Sequence[float]) -> float:
    """Move a label down until it covers no other."""
    while any(abs(y - other) < 13 for other in others):
        y += 3
    return y


def _left(labels: Sequence[str]) -> int:
    return min(230, max([len(_short(label)) for label in labels] + [4]) * 7 + 16)


def _short(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[: max(most - 1, 1)] + "…"


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{escape(_short(words))}</text>'


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.3g}"


def _chart(height: float, parts: Sequence[str], alt: str, width: int = WIDTH) -> str:
    body = "".join(parts)
    return f'<svg role="img" aria-label="{escape(alt)}" viewBox="0 0 {width} {height:g}" class="w{width}">{body}</svg>'
