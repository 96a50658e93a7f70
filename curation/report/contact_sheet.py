"""Contact sheets: pages of thumbnails in one HTML file that opens from disk.

Images are embedded as data URIs, all text is escaped, and there is no script: such a page can be mailed, kept with a
report, or shown by CI. It is written piece by piece, so a long sheet costs no memory.
"""

import base64
import html
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TextIO

from PIL import Image, ImageDraw

from curation.files import whole
from curation.images.opening import UnreadableImage, open_image

QUALITY = 80
STYLE = """
:root { color-scheme: light dark; --line: #8884; --badge: #0a7d38; }
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .2rem; }
p { margin: .2rem 0 .6rem; opacity: .75; }
ul { display: flex; flex-wrap: wrap; gap: .75rem; list-style: none; margin: 0; padding: 0; }
li { border: 1px solid var(--line); border-radius: 6px; padding: .4rem; }
li.marked { border-color: var(--badge); box-shadow: 0 0 0 1px var(--badge); }
img { display: block; margin: auto; image-rendering: auto; }
small { display: block; overflow-wrap: anywhere; white-space: pre-line; margin-top: .3rem; }
b { background: var(--badge); border-radius: 4px; color: #fff; font-size: .75rem; padding: 0 .35rem; }
"""


@dataclass(frozen=True)
class Tile:
    """One image of a sheet: its file, the words under it, and a badge that marks it ("" for none)."""

    path: Path
    caption: str
    badge: str = ""


@dataclass(frozen=True)
class Section:
    """A row of tiles under a heading."""

    title: str
    note: str
    tiles: list[Tile] = field(default_factory=list)


def write_sheet(path: Path, title: str, sections: Iterable[Section], thumbnail: int = 128) -> None:
    """Write a contact sheet, whole or not at all; `thumbnail` is the longer side of its images in pixels.

    A file that can't be opened shows as a grey tile with its reason under it.
    """
    with whole(path) as draft, draft.open("w", encoding="utf-8") as stream:
        _write(stream, title, sections, thumbnail)


def tile_data_uri(path: Path, thumbnail: int = 128) -> str:
    """Make a data URI (JPEG) of an image file shrunk to `thumbnail` pixels; raises UnreadableImage."""
    return _uri(open_image(path, reduce_to=thumbnail), thumbnail)


def _write(stream: TextIO, title: str, sections: Iterable[Section], thumbnail: int) -> None:
    name = html.escape(title)
    stream.write(f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{name}</title>\n')
    stream.write(f'<meta name="viewport" content="width=device-width">\n<style>{STYLE}</style>\n<h1>{name}</h1>\n')
    for section in sections:
        note = f"<p>{html.escape(section.note)}</p>" if section.note else ""
        stream.write(f"<section>\n<h2>{html.escape(section.title)}</h2>{note}\n<ul>\n")
        stream.writelines(_tile(tile, thumbnail) for tile in section.tiles)
        stream.write("</ul>\n</section>\n")


def _tile(tile: Tile, thumbnail: int) -> str:
    caption, badge = tile.caption, ""
    try:
        source = tile_data_uri(tile.path, thumbnail)
    except UnreadableImage as error:
        source, caption = _uri(_crossed_out(thumbnail), thumbnail), f"{caption}\n{error.reason}"
    if tile.badge:
        badge = f"<b>{html.escape(tile.badge)}</b>"
    marked = ' class="marked"' if badge else ""
    text = html.escape(caption)
    picture = f'<img src="{source}" alt="{html.escape(tile.path.name)}" loading="lazy">'
    return f"<li{marked}>{badge}{picture}<small>{text}</small></li>\n"


def _uri(image: Image.Image, thumbnail: int) -> str:
    image = image.copy()
    image.thumbnail((thumbnail, thumbnail), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _crossed_out(side: int) -> Image.Image:
    image = Image.new("RGB", (side, side), (160, 160, 160))
    draw = ImageDraw.Draw(image)
    draw.line((0, 0, side, side), fill=(110, 110, 110), width=3)
    draw.line((0, side, side, 0), fill=(110, 110, 110), width=3)
    return image
