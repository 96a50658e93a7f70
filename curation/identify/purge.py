"""Taking images with nothing worth labelling out of the pool, into a trash folder from which they can all come back."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from curation.errors import CurationError
from curation.identify.moves import AWAY, Journal, Move

POOL = "data/unlabelled"
TRASH = Path(".trash")


class TrashError(CurationError):
    """A trash folder that is not there or holds nothing."""


@dataclass(frozen=True)
class Purged:
    """Where files went, how many, and the reason for each that stayed."""

    folder: Path
    files: int
    refused: Mapping[str, str]


def files_of(rows: pd.DataFrame, images: pd.DataFrame) -> dict[str, str]:
    """Every file of the pool (path -> image_id) that shows one of these images, identical copies too."""
    found = dict(zip(rows.path, rows.image_id, strict=True))
    wanted = images[images.image_id.isin(set(rows.image_id))]
    for image_id, copies in zip(wanted.image_id, wanted.copy_paths, strict=True):
        found |= dict.fromkeys(copies, image_id)
    return {path: image_id for path, image_id in found.items() if path.startswith(f"{POOL}/")}


def purge(rows: pd.DataFrame, images: pd.DataFrame, root: Path, trash: Path = TRASH) -> Purged:
    """Move the files of these images from the pool into a new folder of the trash, with a manifest of what and why."""
    folder = _new_folder(root / trash)
    facts = {str(row["image_id"]): _facts(row) for row in rows.to_dict("records")}
    moves = [
        Move(path, (folder / "files" / path).relative_to(root).as_posix(), image_id, facts[image_id])
        for path, image_id in sorted(files_of(rows, images).items())
    ]
    held = named_in_metadata(root / POOL)
    refused = {move.home: f"it is named in {held[move.home]}" for move in moves if move.home in held}
    refused |= Journal(folder, root).send([move for move in moves if move.home not in held])
    return Purged(folder.relative_to(root), len(moves) - len(refused), refused)


def named_in_metadata(folder: Path) -> dict[str, str]:
    """Files that a metadata.csv below a folder names, and which: moving one would leave a line about nothing."""
    import csv

    found: dict[str, str] = {}
    for sheet in sorted(folder.rglob("metadata.csv")):
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            names = [row.get("file_name") or "" for row in csv.DictReader(file)]
        below = f"{POOL}/{sheet.parent.relative_to(folder).as_posix()}".removesuffix("/.")
        found |= {f"{below}/{name}": f"{below}/metadata.csv: take its line out first" for name in names if name}
    return found


def undo(root: Path, trash: Path = TRASH, name: str = "") -> list[Purged]:
    """Bring everything back to where it was: of one purge when it is named, else of all."""
    done = []
    for folder in folders(root, trash, name):
        journal = Journal(folder, root)
        before = sum(place == AWAY for _, place in journal.places())
        refused = journal.bring_back()
        done.append(Purged(folder.relative_to(root), before - len(refused), refused))
    return done


def folders(root: Path, trash: Path = TRASH, name: str = "") -> list[Path]:
    """List the purges in the trash, oldest first; TrashError when there is none, or none of that name."""
    found = sorted(path.parent for path in (root / trash).glob("*/manifest.jsonl"))
    chosen = [path for path in found if not name or path.name == name]
    if not chosen:
        there = ", ".join(path.name for path in found) or "nothing"
        raise TrashError(f"{trash}: no purge{f' named {name}' if name else ''} to undo; there is {there}")
    return chosen


def _new_folder(trash: Path) -> Path:
    trash.mkdir(parents=True, exist_ok=True)
    (trash / ".gitignore").write_text("*\n", encoding="utf-8")
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    number = 0
    while True:
        folder = trash / (f"{stamp}-{number}" if number else stamp)
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
            continue
        return folder


def _facts(row: Mapping[Hashable, Any]) -> dict[str, object]:
    far = float(row["out_of_scope"])
    scope = None if math.isnan(far) else round(far, 4)
    return {"label": str(row["label"]), "confidence": round(float(row["confidence"]), 4), "out_of_scope": scope}
