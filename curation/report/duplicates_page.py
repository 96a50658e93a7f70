"""Report the near-duplicates and label conflicts of a collection, as contact sheets for people and as one JSON object.

A near-duplicate is listed under its keeper with the Hamming distance, the similarity of the thumbnails, and how the
keeper must be turned to match. Files with the same bytes are listed at distance 0. An image with another label than its
keeper is not removed; it is listed as a conflict.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from curation.files import write_text
from curation.images.hashing import ORIENTATIONS
from curation.report.contact_sheet import SheetSection, write_sheet
from curation.report.thumbnails import Tile
from curation.selection.copies.losses import LossWarning
from curation.tables.class_names import UNKNOWN
from curation.tables.names_as_data import json_text

Report = dict[str, list[dict[str, Any]]]
NO_LABEL = "no label"
LIMIT = 300  # groups on a page; the JSON has all of them


def report(images: pd.DataFrame, duplicates: pd.DataFrame) -> Report:
    """Return {"groups", "conflicts", "marked", "unreadable"} from the tables IMAGES and DUPLICATES.

    Groups are sorted by the path of their keeper, and everything in them by path.
    """
    columns = ["image_id", "path", "label", "copy_paths", "copy_labels"]
    frame = _involved(duplicates.merge(images[columns], on="image_id", validate="one_to_one"))
    names = list(map(str, frame.columns))
    rows: list[dict[str, Any]] = [dict(zip(names, values, strict=True)) for values in frame.itertuples(index=False)]
    keepers = {row["image_id"]: row for row in rows}
    groups: dict[str, list[dict[str, Any]]] = {}
    conflicts: list[dict[str, Any]] = []
    for row in rows:
        keeper = keepers[row["keeper"]]
        files = [(row["path"], row["label"]), *zip(row["copy_paths"], row["copy_labels"], strict=True)]
        for path, label in files:
            if path != keeper["path"] and not _differ(label, keeper["label"]):
                groups.setdefault(keeper["path"], []).append(_copy(path, row))
        if row["conflict"]:
            own = {label for _, label in files if label not in ("", UNKNOWN)}
            labels = sorted(own | set(row["conflict"].split(" / ")))
            told = [{"path": path, "label": label} for path, label in sorted(files)]
            conflicts.append(
                {"paths": [one["path"] for one in told], "labels": labels, "keeper": keeper["path"], "files": told}
            )
    return {
        "groups": [{"keeper": path, "copies": sorted(copies, key=_path)} for path, copies in sorted(groups.items())],
        "conflicts": sorted(conflicts, key=lambda one: (one["keeper"], one["paths"])),
        "marked": sorted(_marked(images, duplicates), key=_path),
        "unreadable": sorted(_unreadable(images), key=_path),
    }


def write_pages(
    found: Report, root: Path, path: Path, title: str = "Near-duplicates", warned: Iterable[SheetSection] = ()
) -> None:
    """Write one contact sheet: warnings, probable marked copies, conflicts, and the groups with marked keepers.

    Paths are relative to `root`. warned: as `warning_sections` gives them.
    """
    write_sheet(path, title, chain(warned, _sections(found, root)))


def warning_sections(warnings: Iterable[LossWarning], images: pd.DataFrame, root: Path) -> Iterator[SheetSection]:
    """Yield a section for each warning, with its pictures and with the setting that helps."""
    paths = dict(zip(images["image_id"], images["path"], strict=True))
    for one in warnings:
        tiles = [Tile(root / paths[image_id], paths[image_id]) for image_id in one.image_ids if image_id in paths]
        yield SheetSection(f"Warning: {one.text}", one.fix, tiles)


def write_report(
    found: Report, root: Path, folder: Path, lines: Iterable[str], warned: Iterable[SheetSection] = ()
) -> None:
    """Write index.html, dedupe.json and summary.txt into a folder."""
    write_text(folder / "dedupe.json", json_text(found) + "\n")
    write_text(folder / "summary.txt", "\n".join(lines) + "\n")
    write_pages(found, root, folder / "index.html", warned=warned)


def _sections(found: Report, root: Path) -> Iterator[SheetSection]:
    groups, conflicts = found["groups"], found["conflicts"]
    if found["marked"]:
        yield _marked_section(found["marked"], root)
    for one in _by_keeper(conflicts)[:LIMIT]:
        tiles = [Tile(root / file["path"], f"{file['path']}\n{file['label'] or NO_LABEL}") for file in one["files"]]
        yield SheetSection(
            f"Label conflict: {' / '.join(one['labels'])}", "Not trained on until review decides.", tiles
        )
    for group in sorted(groups, key=lambda one: (-len(one["copies"]), one["keeper"]))[:LIMIT]:
        tiles = [Tile(root / group["keeper"], group["keeper"], "keeper")]
        tiles += [Tile(root / copy["path"], _caption(copy)) for copy in group["copies"]]
        yield SheetSection(group["keeper"], f"copies: {len(group['copies'])}", tiles)
    left = max(0, len(groups) - LIMIT) + max(0, len(_by_keeper(conflicts)) - LIMIT)
    if left or not (groups or conflicts):
        yield SheetSection(f"{left:,} more, in the JSON" if left else "No near-duplicates", "")


def _marked_section(marked: list[dict[str, Any]], root: Path) -> SheetSection:
    """All probable marked copies, each picture and then its marked copy."""
    tiles = []
    for one in marked[:LIMIT]:
        tiles += [Tile(root / one["of"], one["of"], "picture"), Tile(root / one["path"], one["path"], "marked?")]
    note = "They differ in one small place: a mark, a date, or a small object. Both stay until a person decides, "
    note += "in the view `marked copies` of `curate review open`."
    return SheetSection(f"Probable marked copies: {len(marked):,}", note, tiles)


def _marked(images: pd.DataFrame, duplicates: pd.DataFrame) -> list[dict[str, Any]]:
    """List the images that repeat another one but for one small opaque mark."""
    paths = images.set_index("image_id")["path"]
    rows = duplicates[duplicates["marked_copy_of"] != ""]
    return [
        {"path": paths[one], "image_id": one, "of": paths[other], "of_id": other}
        for one, other in zip(rows["image_id"], rows["marked_copy_of"], strict=True)
    ]


def _involved(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a near-duplicate, a copy or a conflict, and their keepers; most rows have none."""
    told = (frame["keeper"] != frame["image_id"]) | (frame["conflict"] != "") | frame["copy_paths"].map(len).gt(0)
    return frame[told | frame["image_id"].isin(frame["keeper"][told])]


def _by_keeper(conflicts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the conflicts with one keeper on one row of the sheet."""
    rows: dict[str, dict[str, Any]] = {}
    for one in conflicts:
        row = rows.setdefault(one["keeper"], {"labels": set(), "files": []})
        row["labels"] |= set(one["labels"])
        row["files"] += one["files"]
    return [{"labels": sorted(row["labels"]), "files": row["files"]} for row in rows.values()]


def _caption(copy: dict[str, Any]) -> str:
    turned = "" if copy["orientation"] == ORIENTATIONS[0] else f", {copy['orientation']}"
    return f"{copy['path']}\n{copy['distance']} bits, agreement {copy['similarity']:.2f}{turned}"


def _copy(path: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "path": path,
        "distance": int(row["distance"]),
        "orientation": ORIENTATIONS[row["orientation"]],
        "similarity": round(float(row["similarity"]), 4),
    }


def _differ(one: str, other: str) -> bool:
    return one != other and not {one, other} & {"", UNKNOWN}


def _unreadable(images: pd.DataFrame) -> list[dict[str, Any]]:
    bad = images.loc[images["error"] != ""]
    return [
        {"path": path, "reason": reason}
        for first, copies, reason in zip(bad["path"], bad["copy_paths"], bad["error"], strict=True)
        for path in (first, *copies)
    ]


def _path(one: dict[str, Any]) -> str:
    return str(one["path"])
