"""List the images of a folder, a glob, one file, or an fsspec URL. No file is opened here.

Items are sorted by path. Each has a stamp made from its size and time, or from the tag of the object store. A second
run uses the stamp to recognise an unchanged file.
"""

import glob
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from curation.errors import CurationError
from curation.predict.decode import Item, is_remote, one_line

COMMON = ("jpg", "jpeg", "jpe", "jfif", "png", "webp", "gif", "bmp", "tif", "tiff", "ppm", "pgm")
RARE = ("avif", "heic", "heif", "jp2", "jxl", "ico", "tga")
SUFFIXES = frozenset(f".{name}" for name in (*COMMON, *RARE))


class SourceError(CurationError):
    """The place holds no images, or it can't be reached."""


def items(place: str, root: Path | None = None) -> list[Item]:
    """List the images of a folder, a glob (`**` descends), one file or an fsspec URL, sorted by path.

    A local place is relative to the working directory. The paths of the items are relative to `root`, the project. In a
    local folder every file is listed, so that a broken image is reported. Behind a URL only files with an image suffix
    are listed. Raises SourceError when there are no images.
    """
    listed = _remote(place) if is_remote(place) else _local(place, (root or Path.cwd()).resolve())
    found = sorted(listed, key=lambda item: item.path)
    if not found:
        raise SourceError(f"{place}: no files found. Expected a folder, a glob like 'photos/**/*.jpg', or a URL")
    return found


def _local(place: str, root: Path) -> Iterator[Item]:
    from curation.images.collection.walk import walk

    folder = Path(place)
    if folder.is_dir():
        for file in walk(folder).files:
            yield Item(_from(root, folder / file.path), f"{file.size}-{file.mtime_ns}")
        return
    names = [place] if folder.is_file() else glob.glob(place, recursive=True)  # noqa: PTH207 - absolute patterns too
    for name in names:
        if Path(name).is_file():
            state = Path(name).stat()
            yield Item(_from(root, Path(name)), f"{state.st_size}-{state.st_mtime_ns}")


def _from(root: Path, path: Path) -> str:
    """Return the path relative to `root`, with ".." where it lies outside: a table holds no absolute path."""
    return Path(os.path.relpath(path, root)).as_posix()


def _remote(place: str) -> Iterator[Item]:
    import fsspec  # type: ignore[import-untyped]

    try:
        system, path = fsspec.core.url_to_fs(place)
        if any(sign in path for sign in "*?["):
            found: Mapping[str, Mapping[str, Any]] = system.glob(path, detail=True)
        elif system.isdir(path):
            found = system.find(path, detail=True)
        else:
            found = {path: system.info(path)}
    except Exception as error:  # noqa: BLE001 - each file system of fsspec raises errors of its own
        raise SourceError(f"{place} can't be listed: {one_line(error)}") from None
    for name, facts in found.items():
        if facts.get("type", "file") == "file" and PurePosixPath(name).suffix.lower() in SUFFIXES:
            yield Item(system.unstrip_protocol(name), _stamp(facts))


def _stamp(facts: Mapping[str, Any]) -> str:
    """Return a text that identifies a version of a remote file: its size with its tag or its time."""
    tags = ("ETag", "etag", "md5Hash", "checksum", "LastModified", "mtime", "created")
    tag = next((str(facts[key]) for key in tags if facts.get(key)), "")
    return f"{facts.get('size', '')}-{tag}"
