"""Move images that are not worth labelling from the pool into a trash folder, from which they can all be restored."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from curation.errors import CurationError
from curation.labelling.metadata_rows import key, lines_below
from curation.labelling.moves import AWAY, Manifest, Move
from curation.labelling.pool_files import files_of
from curation.project import Project
from curation.project.places import UNLABELLED, Places


class TrashError(CurationError):
    """The trash folder does not exist or holds nothing."""


@dataclass(frozen=True)
class Purged:
    """The folder, the number of files, and the reason for each file that stayed."""

    folder: Path
    files: int
    refused: Mapping[str, str]


def purge(rows: pd.DataFrame, images: pd.DataFrame, root: Path) -> Purged:
    """Move the files of these images from the pool into a new trash folder, with a manifest of what moved and why.

    Identical copies move too, and the lines of metadata.csv go into the manifest.
    """
    facts = {str(row["image_id"]): _facts(row) for row in rows.to_dict("records")}
    project = Project(root)
    with project.journal.plan("purge") as plan:
        folder = _new_folder(project.trash)
        if not (project.trash / ".gitignore").exists():
            plan.write(project.trash / ".gitignore", "*\n")
        away = project.relative(folder / "files")
        lines = lines_below(UNLABELLED, root)
        moves = [
            Move(path, f"{away}/{path}", image_id, facts[image_id], lines.get(key(path)))
            for path, image_id in files_of(rows, images).items()
        ]
        refused = Manifest(folder, root).send(plan, moves)
    return Purged(folder.relative_to(root), len(moves) - len(refused), refused)


def undo(root: Path, name: str = "") -> list[Purged]:
    """Bring the files of one purge, or of all purges, back to where they were, the latest purge first.

    Each purge comes back whole or not at all. Raises TrashError when there is no purge, or none with this name.
    """
    project = Project(root)
    project.journal.settle()
    done = []
    for folder in reversed(folders(root, name)):
        manifest = Manifest(folder, root)
        before = sum(place == AWAY for _, place in manifest.places())
        with project.journal.plan("purge --undo") as plan:
            refused = manifest.bring_back(plan)
        done.append(Purged(folder.relative_to(root), before - len(refused), refused))
    return done


def folders(root: Path, name: str = "") -> list[Path]:
    """List the purges in the trash, oldest first. TrashError when there is none, or none with this name."""
    trash = Places(root).trash
    found = sorted(path.parent for path in trash.glob("*/manifest.jsonl"))
    chosen = [path for path in found if not name or path.name == name]
    if not chosen:
        there = ", ".join(path.name for path in found) or "nothing"
        raise TrashError(f"{trash.name}: no purge{f' named {name}' if name else ''} to undo; there is {there}")
    return chosen


def _new_folder(trash: Path) -> Path:
    """Return a free name for a folder. Its first file makes it."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    names = (stamp, *(f"{stamp}-{number}" for number in range(1, 1 + len(list(trash.glob("*"))))))
    return next(trash / name for name in names if not (trash / name).exists())


def _facts(row: Mapping[Hashable, Any]) -> dict[str, object]:
    far = float(row["ood_score"])
    scope = None if math.isnan(far) else round(far, 4)
    return {"label": str(row["label"]), "confidence": round(float(row["confidence"]), 4), "ood_score": scope}
