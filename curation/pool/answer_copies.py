"""Copies of an answer's files in a folder, named by class, for people who would rather look at a folder."""

import re
import shutil
from pathlib import Path, PurePosixPath

import pandas as pd

from curation.files import whole
from curation.predict.decode import is_remote


def copy_named(rows: pd.DataFrame, folder: Path, root: Path) -> int:
    """Copy each file to `folder/<class>/<confidence>_<name>`; returns how many. A copy that is there is left.

    Relative paths in `rows` start at `root`.
    """
    count = 0
    for image_id, path, label, confidence in zip(rows.image_id, rows.path, rows.label, rows.confidence, strict=True):
        name = PurePosixPath(path).name
        # The id keeps apart files of the same name from different folders.
        target = folder / safe(label or "nothing") / f"{confidence:.3f}_{image_id[:8]}_{name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            _copy(path, target, root)
            count += 1
    return count


def safe(label: str) -> str:
    """Make a class name a folder name on any system."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]|^\.+', "_", label)


def _copy(source: str, target: Path, root: Path) -> None:
    with whole(target) as draft:
        if is_remote(source):
            import fsspec  # type: ignore[import-untyped]

            with fsspec.open(source, "rb") as remote, draft.open("wb") as local:
                shutil.copyfileobj(remote, local)
        else:
            shutil.copyfile(root / source, draft)
