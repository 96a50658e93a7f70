"""Contact sheets: pages of thumbnails in one HTML file that opens from disk.

They use the same templates as the report (`page`). A sheet can be mailed, kept with a report, or shown by a CI system.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curation.report import page
from curation.report.thumbnails import Tile


@dataclass(frozen=True)
class SheetSection:
    """Tiles below a heading and a sentence."""

    title: str
    note: str
    tiles: Sequence[Tile] = field(default_factory=list)


def write_sheet(path: Path, title: str, sections: Iterable[SheetSection], thumbnail: int = 128) -> None:
    """Write a contact sheet, whole or not at all; `thumbnail` is the longer side of its images in pixels.

    `sections` may be an iterator: each section is written before the next one is requested. A file that can't be opened
    is shown as a grey tile with the reason.
    """
    page.write(path, "sheet.html", thumbnail, title=title, sections=sections)
