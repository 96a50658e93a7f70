"""An answer as a page of pictures: one section a class or group, one tile an image, in a file that opens from disk."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

MOST = 1_000  # pictures on one page


def write_page(rows: pd.DataFrame, path: Path, title: str) -> None:
    """Write the first 1,000 rows as an HTML contact sheet, in sections by `group` where there is one, else by label."""
    from curation.images.sheet import Section, Tile, write_sheet

    shown = rows.head(MOST)
    by = "group" if "group" in shown.columns else "label"
    sections = []
    for name, part in shown.groupby(by, sort=False):
        facts = zip(part.path, part.top_labels, part.top_confidences, part.confidence, strict=True)
        tiles = [Tile(Path(where), _caption(names, sure), f"{top:.2f}") for where, names, sure, top in facts]
        sections.append(Section(f"{by} {name}" if by == "group" else str(name), f"{len(part)} images", tiles))
    note = title if len(rows) <= MOST else f"{title}: the first {MOST:,} of {len(rows):,}"
    write_sheet(path, note, sections)


def _caption(names: Sequence[str], sure: Sequence[float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in list(zip(names, sure, strict=True))[:3])
