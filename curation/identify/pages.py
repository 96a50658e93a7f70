"""An answer as a page of pictures: one section a class or group, one tile an image, in a file that opens from disk."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from curation.identify.decode import fetch, is_remote
from curation.images.sheet import Section, Tile, write_sheet

MOST = 1_000  # pictures on one page


def write_page(rows: pd.DataFrame, path: Path, title: str) -> None:
    """Write the first 1,000 rows as an HTML contact sheet, in sections by `group` where there is one, else by label."""
    shown = rows.head(MOST)
    note = title if len(rows) <= MOST else f"{title}: the first {MOST:,} of {len(rows):,}"
    with tempfile.TemporaryDirectory() as folder:
        here = [_at_hand(where, Path(folder) / str(number)) for number, where in enumerate(shown.path)]
        write_sheet(path, note, _sections(shown.assign(here=here)))


def _sections(rows: pd.DataFrame) -> list[Section]:
    by = "group" if "group" in rows.columns else "label"
    found = []
    for name, part in rows.groupby(by, sort=False):
        facts = zip(part.here, part.top_labels, part.top_confidences, part.confidence, strict=True)
        tiles = [Tile(Path(where), _caption(names, sure), f"{top:.2f}") for where, names, sure, top in facts]
        found.append(Section(f"{by} {name}" if by == "group" else str(name), f"{len(part)} images", tiles))
    return found


def _at_hand(path: str, copy: Path) -> str:
    """A remote image as a local file; one that can't be had any more shows as a grey tile."""
    if not is_remote(path):
        return path
    try:
        copy.write_bytes(fetch(path))
    except (OSError, ValueError, ImportError):
        return path
    return str(copy)


def _caption(names: Sequence[str], sure: Sequence[float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in list(zip(names, sure, strict=True))[:3])
