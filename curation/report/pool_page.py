"""An answer to a pool question as a page of pictures: one section for each class or group, one tile for each image."""

import math
import tempfile
from collections.abc import Hashable
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from curation.predict.decode import fetch, is_remote
from curation.report.contact_sheet import SheetSection, write_sheet
from curation.report.thumbnails import Tile

MOST = 1_000  # pictures on one page
LEAST = 0.01  # guesses below this are not told


def write_page(rows: pd.DataFrame, path: Path, title: str, root: Path) -> None:
    """Write the first 1,000 rows as an HTML contact sheet, in sections by `group` or else by label.

    Relative paths in `rows` start at `root`.
    """
    shown = rows.head(MOST)
    note = title if len(rows) <= MOST else f"{title}: the first {MOST:,} of {len(rows):,}"
    with tempfile.TemporaryDirectory() as folder:
        here = [_at_hand(where, Path(folder) / str(number), root) for number, where in enumerate(shown.path)]
        write_sheet(path, note, _sections(shown.assign(here=here)))


def _sections(rows: pd.DataFrame) -> list[SheetSection]:
    by = "group" if "group" in rows.columns else "label"
    found = []
    for name, part in rows.groupby(by, sort=False):
        tiles = [_tile(row) for row in part.to_dict("records")]
        found.append(SheetSection(f"{by} {name}" if by == "group" else str(name), f"{len(part)} images", tiles))
    return found


def _at_hand(path: str, copy: Path, root: Path) -> str:
    """Return a remote image as a local file. An image that can't be read is shown as a grey tile."""
    if not is_remote(path):
        return str(root / path)
    try:
        copy.write_bytes(fetch(path))
    except (OSError, ValueError, ImportError):
        return path
    return str(copy)


def _tile(row: dict[Hashable, Any]) -> Tile:
    """Return a picture with its name, its likely classes below, and the confidence of the first one above."""
    guesses = zip(row["top_labels"], row["top_confidences"], strict=True)
    told = ", ".join(f"{name} {sure:.2f}" for name, sure in list(guesses)[:3] if sure >= LEAST)
    badge = "" if math.isnan(row["confidence"]) else f"{row['confidence']:.2f}"
    name = PurePosixPath(row["path"]).name
    return Tile(Path(row["here"]), f"{name}\n{told}", badge, name)
