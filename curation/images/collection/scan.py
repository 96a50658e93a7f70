"""List the files of a collection, with what their folders and metadata files say of them.

The folders follow the ImageFolder convention of torchvision and Hugging Face: `data/raw/<class>/[<subclass>/]name.jpg`.
Beside it are the benchmark sets `data/benchmark/<set>/<class or unknown>/...` and the pool `data/unlabelled/...`.
`scan_folder` reads any other folder in the same way. No image is opened here.
"""

import os
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice, takewhile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from curation.errors import CurationError
from curation.images.collection.metadata import NAME, Facts, facts_of, read_metadata
from curation.images.collection.metadata_files import FORMS, MetadataError
from curation.images.collection.walk import File, walk
from curation.project.places import DATA, Places
from curation.tables.class_names import (
    UNKNOWN,
    LabelError,
    canonical,
    look_alike,
    refuse_clashes,
    refuse_splits,
    set_name_problem,
)
from curation.tables.codes import Origin, Source

RAW, UNLABELLED, BENCHMARK = Source.RAW.value, Source.UNLABELLED.value, Source.BENCHMARK.value
OTHER_NAMES = {"unlabeled": UNLABELLED, "pool": UNLABELLED, "benchmarks": BENCHMARK, "images": RAW, "train": RAW}
MEANT = frozenset(  # in small letters
    f"{name}.{ending}"
    for name in ("metadata", "labels", "label", "annotations", "meta")
    for ending in ("csv", "tsv", "jsonl", "json", "parquet")
)
NOTHING_TOLD = Facts()
SHEET = "sheet"  # among the cells of a file: the name of the metadata file that they stand in
Told = Mapping[str, Mapping[str, str]]


class LayoutError(CurationError):
    """Folders that do not follow the convention, or hold nothing."""


class Found(NamedTuple):
    """A file of the collection; `path` is relative to the root that was scanned, posix."""

    path: str
    source: str
    benchmark_set: str
    label: str
    subclass: str
    origin: str
    size: int
    mtime_ns: int
    inode: int
    problem: str
    facts: Facts = NOTHING_TOLD


def scan(root: Path, passed_over: Counter[str] | None = None) -> list[Found]:
    """List every file of data/raw, data/benchmark and data/unlabelled below `root`, sorted by path.

    `passed_over` counts what systems leave behind and what is hidden, which is not listed.
    Raises LayoutError, LabelError or MetadataError, which say what to mend.
    """
    places = Places(root)
    raw = places.relative(places.raw)
    if not places.raw.is_dir():
        raise LayoutError(
            f"{raw} does not exist: put your images there, one folder a class ({raw}/<class>/name.jpg), "
            "or run `curate sample digits` for some to try with"
        )
    found: list[Found] = []
    spellings: dict[str, str] = {}
    for source in (RAW, UNLABELLED, BENCHMARK):
        folder = places.relative(places.data / source)
        files, told = _source(places.data / source, folder, passed_over if passed_over is not None else Counter())
        found += [_entry(file, f"{folder}/", source, told) for file in files]
        spellings |= _spellings(files, told, folder)
    if not any(entry.source == RAW for entry in found):
        raise LayoutError(f"{raw} holds no files: put images there, one folder a class ({raw}/<class>/name.jpg)")
    refuse_clashes(spellings)
    _refuse_names_of_sets(found)
    _refuse_forgotten_set(found)
    refuse_splits({entry.label for entry in found if entry.source == RAW}, raw)
    return sorted(found)


def scan_folder(folder: Path) -> list[Found]:
    """List every file of any folder; its first level is the label where there is one, "" where there is none."""
    if not folder.is_dir():
        raise LayoutError(f"{folder} is not a folder")
    files = walk(folder).files
    told = _metadata(folder, files)
    return sorted(_entry(file, "", RAW, told) for file in files if not _passed_over(file))


def _refuse_forgotten_set(found: Sequence[Found]) -> None:
    """Raise LayoutError where the images of data/benchmark lie in class folders without the folder of a set."""
    classes = {look_alike(one.label) for one in found if one.source == RAW}
    sets: dict[str, set[str]] = {}
    for one in found:
        if one.source == BENCHMARK and look_alike(one.benchmark_set) in classes:
            sets.setdefault(one.benchmark_set, set()).add(look_alike(one.label))
    for name, labels in sorted(sets.items()):
        if not labels & (classes - {UNKNOWN}):
            raise LayoutError(
                f"{DATA}/{BENCHMARK}/{name} would be a benchmark set of that name, but {name} is a class of "
                f"{DATA}/{RAW}. A set has a folder of its own: move its classes there "
                f"({DATA}/{BENCHMARK}/<set>/{name}/name.jpg)"
            )


def _refuse_names_of_sets(found: Sequence[Found]) -> None:
    """Raise LayoutError for a set whose name could not stand in a decision or a table of results."""
    for name in sorted({one.benchmark_set for one in found}):
        if name and (problem := set_name_problem(name)):
            raise LayoutError(f"{DATA}/{BENCHMARK}/{name[:80]}: {problem}. Rename the folder")


def near_misses(root: Path) -> list[str]:
    """One sentence for each folder beside data/raw whose name is nearly one that is read."""
    known = (RAW, UNLABELLED, BENCHMARK)
    there = sorted(path.name for path in Places(root).data.iterdir() if path.is_dir() and path.name not in known)
    meant = {name: get_close_matches(name.lower(), (*known, *OTHER_NAMES), n=1, cutoff=0.75) for name in there}
    return [
        f"{DATA}/{name} is not read: did you mean {DATA}/{OTHER_NAMES.get(near[0], near[0])}?"
        for name, near in meant.items()
        if near
    ]


def _source(folder: Path, name: str, passed_over: Counter[str]) -> tuple[list[File], Told]:
    if not folder.is_dir():
        return [], {}
    walked = walk(folder)
    files = walked.files
    passed_over.update(walked.passed_over)
    if folder.name != UNLABELLED and walked.empty:
        listed = ", ".join(f"{name}/{one}" for one in walked.empty[:5])
        raise LayoutError(f"empty folders: {listed}. A class needs images: put some there, or delete the folder")
    return [file for file in files if not _passed_over(file)], _metadata(folder, files)


def _entry(file: File, prefix: str, source: str, told: Told) -> Found:
    """Say what the folders tell of a file, then let its line of metadata.csv override it."""
    benchmark_set, folders = _folders(file, source)
    row = told.get(file.path, {})
    nobody_knows = UNKNOWN if prefix and source != UNLABELLED else ""
    label = row.get("label") or (_class(folders[0], prefix) if folders else nobody_knows)
    subclass = row.get("subclass") or "/".join(map(canonical, folders[1:]))
    if file.path.split("/")[-1].lower() in MEANT:
        file = file._replace(problem=f"not an image: a table, probably meant to be {NAME} (docs/your-own-images.md)")
    path = prefix + os.fsencode(file.path).decode("utf-8", "backslashreplace")
    origin = row.get("origin", Origin.REAL.value)
    facts = facts_of(row) if row else NOTHING_TOLD
    return Found(path, source, benchmark_set, label, subclass, origin, *file[1:], facts)


def _class(folder: str, prefix: str) -> str:
    """The class that a folder names. LabelError for a folder of blanks, whose images would be of no class."""
    if name := canonical(folder):
        return name
    raise LabelError(f"{prefix}{folder!r}: a folder of spaces names no class. Rename it")


def _folders(file: File, source: str) -> tuple[str, list[str]]:
    """Tell the benchmark set, and the folders from the class down."""
    folders = file.path.split("/")[:-1]
    if source == UNLABELLED:
        return "", []
    if source == BENCHMARK:
        return canonical(folders[0]) if folders else "default", folders[1:]
    return "", folders


def _spellings(files: Sequence[File], told: Told, where: str) -> dict[str, str]:
    """Map each label as it is written to where it stands; `where` is the folder of the source."""
    source = PurePosixPath(where).name
    places: dict[str, str] = {}
    for file in files:
        folders = _folders(file, source)[1]
        if folders and folders[0] not in places:
            depth = 2 if source == BENCHMARK else 1
            places[folders[0]] = "/".join([where, *file.path.split("/")[:depth]])
    for path, row in told.items():
        places.setdefault(row.get("label", UNKNOWN), f"the line of {where}/{path} in {row[SHEET]}")
    return places


def _metadata(folder: Path, files: Sequence[File]) -> dict[str, dict[str, str]]:
    """Read every metadata file below a folder; keys are paths below that folder, as the disk spells them."""
    told: dict[str, dict[str, str]] = {}
    for sheet in [file.path for file in files if file.path.split("/")[-1] in FORMS]:
        form = sheet.split("/")[-1]
        below = sheet[: -len(form)]
        spelt = {
            unicodedata.normalize("NFC", file.path[len(below) :]): file.path
            for file in _below(files, below)
            if not _passed_over(file)
        }
        rows = read_metadata(folder / sheet, spelt)
        twice = sorted(told.keys() & rows.keys())
        if twice:
            other = told[twice[0]][SHEET]
            raise MetadataError(f"{folder / sheet} and another {other} both name {twice[0]}: keep one of the lines")
        told |= {path: {**row, SHEET: form} for path, row in rows.items()}
    return told


def _below(files: Sequence[File], folder: str) -> Iterator[File]:
    """The files whose path begins with `folder`, out of a sorted list."""
    first = bisect_left(files, folder, key=lambda file: file.path)
    return takewhile(lambda file: file.path.startswith(folder), islice(files, first, None))


def _passed_over(file: File) -> bool:
    return file.path.split("/")[-1] in FORMS or file.path.endswith(".dvc")


__all__ = [
    "BENCHMARK",
    "RAW",
    "UNLABELLED",
    "Found",
    "LabelError",
    "LayoutError",
    "MetadataError",
    "near_misses",
    "scan",
    "scan_folder",
]
