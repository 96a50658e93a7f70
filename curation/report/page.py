"""The page around the charts: one HTML file without scripts, in light and dark, on paper, and for a screen reader."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from curation.images.opening import UnreadableImage
from curation.report.contact_sheet import tile_data_uri
from curation.report.style import STYLE

THUMBNAIL = 96


@dataclass(frozen=True)
class Section:
    """A part of the report: its anchor, heading, the finding in a sentence or two, and HTML."""

    anchor: str
    title: str
    lead: str
    body: str


@dataclass(frozen=True)
class Tile:
    """An image with the words under it; `marked` tiles stand out."""

    path: Path
    caption: str
    marked: bool = False


def page(title: str, subtitle: str, cards: Sequence[tuple[str, str, str]], sections: Sequence[Section]) -> str:
    """The whole document; `cards` are (number, what it is, remark)."""
    links = "".join(f'<a href="#{part.anchor}">{escape(part.title)}</a>' for part in sections)
    faces = "".join(
        f"<li><strong>{escape(number)}</strong><span>{escape(name)}</span><small>{escape(remark)}</small></li>"
        for number, name, remark in cards
    )
    parts = "".join(
        f'<section id="{part.anchor}"><h2>{escape(part.title)}</h2><p class="lead">{escape(part.lead)}</p>\n{part.body}'
        "</section>\n"
        for part in sections
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{STYLE}</style></head>\n<body>\n'
        f'<header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p><ul class="cards">{faces}</ul>'
        f'<nav aria-label="Sections">{links}</nav></header>\n<main>\n{parts}</main></body></html>\n'
    )


def figure(drawing: str, caption: str = "", legend: Sequence[tuple[int, str]] = ()) -> str:
    """A chart with a caption and the names of its series."""
    names = "".join(f'<span><i class="b{series}"></i>{escape(name)}</span>' for series, name in legend)
    key = f'<p class="legend">{names}</p>' if names else ""
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{words}{key}{drawing}</figure>"


def pair(*figures: str) -> str:
    """Figures beside each other where there is room."""
    return f'<div class="pair">{"".join(figures)}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[object]], summary: str = "") -> str:
    """A table; with `summary` it is folded away behind that word."""
    found = [list(row) for row in rows]
    words = [any(isinstance(row[place], str) for row in found) for place in range(len(head))]
    titles = "".join(
        f'<th scope="col"{" class=text" if text else ""}>{escape(name)}</th>'
        for name, text in zip(head, words, strict=True)
    )
    lines = "".join("<tr>" + "".join(_cell(value) for value in row) + "</tr>" for row in found)
    text = f'<div class="scroll"><table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table></div>'
    return f"<details><summary>{escape(summary)}</summary>{text}</details>" if summary else text


def tiles(images: Iterable[Tile]) -> str:
    """A row of thumbnails, embedded; an image that can't be read shows its reason."""
    return f'<ul class="tiles">{"".join(_tile(image) for image in images)}</ul>'


def paragraph(text: str) -> str:
    """Words between the figures."""
    return f"<p>{escape(text)}</p>"


def heading(text: str, note: str = "") -> str:
    """A heading inside a section."""
    quiet = f"<p>{escape(note)}</p>" if note else ""
    return f"<h3>{escape(text)}</h3>{quiet}"


def steps(items: Iterable[tuple[str, str]]) -> str:
    """A numbered list of (what to do and why, command)."""
    lines = "".join(f"<li>{escape(text)}<br><code>{escape(command)}</code></li>" for text, command in items)
    return f'<ol class="steps">{lines}</ol>'


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"<td>{value:.3f}</td>" if value == value else "<td>-</td>"  # noqa: PLR0124 - NaN is not itself
    if isinstance(value, int):
        return f"<td>{value:,}</td>"
    return f'<td class="text">{escape(str(value))}</td>'


def _tile(tile: Tile) -> str:
    words = escape(tile.caption)
    try:
        picture = f'<img src="{tile_data_uri(tile.path, THUMBNAIL)}" alt="{words}" loading="lazy">'
    except UnreadableImage as error:
        picture = f'<span class="gone" role="img" aria-label="{words}">{escape(error.reason)}</span>'
    return f"<li{' class=marked' if tile.marked else ''}>{picture}<small>{words}</small></li>"
