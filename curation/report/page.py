"""The kit of every HTML page: the parts of a page as data, and `write`, which puts them into the templates.

The templates are Jinja2 with autoescape, so that a name is always data and never markup. A page has no script and needs
no other file. It opens from disk, in a light and a dark style, on paper, and with a screen reader. It is written piece
by piece, so that a long page needs little memory. The same parts give the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from curation.errors import printable
from curation.files import whole
from curation.report.charts import Chart, draw
from curation.report.charts.chart_svg import TEMPLATES
from curation.report.thumbnails import Tile, picture


@dataclass(frozen=True)
class Card:
    """A headline number, what it is, and a remark."""

    number: str
    name: str
    remark: str


@dataclass(frozen=True)
class Figure:
    """A chart with a caption and the (series, name) of its series."""

    chart: Chart
    caption: str = ""
    legend: Sequence[tuple[int, str]] = ()
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True)
class Pair:
    """Figures side by side when there is room."""

    figures: Sequence[Figure]
    kind: ClassVar[str] = "pair"


@dataclass(frozen=True)
class Table:
    """Rows of texts and numbers. With `summary` the table is folded behind that text."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    summary: str = ""
    kind: ClassVar[str] = "table"

    @property
    def words(self) -> set[int]:
        """The columns that hold text."""
        return {place for row in self.rows for place, value in enumerate(row) if isinstance(value, str)}


@dataclass(frozen=True)
class Tiles:
    """Thumbnails in rows."""

    tiles: Sequence[Tile]
    kind: ClassVar[str] = "tiles"


@dataclass(frozen=True)
class Heading:
    """A heading inside a section, and a sentence below it."""

    text: str
    note: str = ""
    kind: ClassVar[str] = "heading"


@dataclass(frozen=True)
class Steps:
    """A numbered list of (what to do and why, command)."""

    items: Sequence[tuple[str, str]]
    kind: ClassVar[str] = "steps"


Part = Figure | Pair | Table | Tiles | Heading | Steps


@dataclass(frozen=True)
class Section:
    """A section of the report: its anchor, its heading, the result in a sentence or two, and its parts."""

    anchor: str
    title: str
    lead: str
    parts: Sequence[Part] = field(default_factory=list)


def write(path: Path, template: str, thumbnail: int, **values: Any) -> None:
    """Write a page from a template, whole or not at all; `thumbnail` is the longer side of its images in pixels.

    A name that is not valid Unicode is written with backslashes.
    """
    values |= {"thumbnail": thumbnail, "picture": partial(picture, side=thumbnail)}
    pieces = environment().get_template(template).generate(values)
    with whole(path) as draft, draft.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        stream.writelines(pieces)


@cache
def environment() -> Environment:
    """Return the templates, with the function `draw` and the filter `told`."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_seen,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["draw"] = draw
    made.filters["told"] = told
    return made


def _seen(value: object) -> object:
    """Spell the characters of a name that turn the direction of reading or leave no mark."""
    return printable(value, keep="\n\t") if isinstance(value, str) and not isinstance(value, Markup) else value


def told(value: object) -> object:
    """Return a cell as people read it: three decimals, a thousands separator, and a dash for NaN."""
    if isinstance(value, float):
        return f"{value:.3f}" if value == value else "-"  # noqa: PLR0124 - NaN is not itself
    return f"{value:,}" if isinstance(value, int) else value
