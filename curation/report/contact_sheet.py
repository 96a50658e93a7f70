"""Contact sheets: pages of thumbnails in one HTML file that opens from disk.

The page is made with the same templates as the report (`page`). It can be mailed, kept with a report, or shown by CI.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curation.report import page
from curation.report.thumbnails import Tile


@dataclass(frozen=True)
class SheetSection:
    """Tiles under a heading and a sentence."""

    title: str
    note: str
    tiles: Sequence[Tile] = field(default_factory=list)


def write_sheet(path: Path, title: str, sections: Iterable[SheetSection], thumbnail: int = 128) -> None:
    """Write a contact sheet, whole or not at all; `thumbnail` is the longer side of its images in pixels.

    `sections` may be an iterator: each section is written before the next is asked for. A file that can't be opened
    shows as a grey tile with its reason under it.
    """
    page.write(path, "sheet.html", thumbnail, title=title, sections=sections)
