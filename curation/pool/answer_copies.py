"""Copy the images of an answer into a folder with one subfolder a class, for people who prefer a file browser."""

import re
import shutil
from pathlib import Path, PurePosixPath

import pandas as pd

from curation.errors import CurationError
from curation.files import fitting, whole
from curation.predict.decode import is_remote


class GoneError(CurationError):
    """Files of a table are not there any more."""


def copy_named(rows: pd.DataFrame, folder: Path, root: Path) -> int:
    """Copy each file to `folder/<class>/<confidence>_<name>` and return how many files were copied.

    A copy that exists already is not written again. Relative paths in `rows` start at `root`. GoneError names the first
    file that is not there any more; the others are copied.
    """
    count, gone = 0, []
    for image_id, path, label, confidence in zip(rows.image_id, rows.path, rows.label, rows.confidence, strict=True):
        # The id keeps apart files of the same name from different folders.
        name = fitting(f"{confidence:.3f}_{image_id[:8]}_{PurePosixPath(path).name}")
        target = folder / safe(label or "nothing") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            continue
        if not is_remote(path) and not (root / path).exists():
            gone.append(path)
            continue
        _copy(path, target, root)
        count += 1
    if gone:
        raise GoneError(
            f"{gone[0]} (and {len(gone) - 1} more) is not there any more, so it could not be copied; {count:,} others "
            "were. Was it moved or purged? Make a new table with `dvc repro identify` or `curate identify`"
        )
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
