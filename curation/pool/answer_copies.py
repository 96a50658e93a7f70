"""Copy the images of an answer into a folder with one subfolder a class, for people who prefer a file browser."""

import re
import shutil
from pathlib import Path, PurePosixPath

import pandas as pd

from curation.files import whole
from curation.predict.decode import is_remote


def copy_named(rows: pd.DataFrame, folder: Path, root: Path) -> int:
    """Copy each file to `folder/<class>/<confidence>_<name>` and return how many files were copied.

    A copy that exists already is not written again. Relative paths in `rows` start at `root`.
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
    """Turn a class name into a folder name that is valid on every system."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]|^\.+', "_", label)


def _copy(source: str, target: Path, root: Path) -> None:
    with whole(target) as draft:
        if is_remote(source):
            import fsspec  # type: ignore[import-untyped]

            with fsspec.open(source, "rb") as remote, draft.open("wb") as local:
                shutil.copyfileobj(remote, local)
        else:
            shutil.copyfile(root / source, draft)
