"""Write a sample to disk. It never replaces a file that no sample wrote, and running it again is fast.

A truth table in the cache records the kind of each file, such as its fault. It is outside data/, and no stage reads it.
A stamp beside it says which sample is on disk. When a run was killed, the stamp is missing, and the same command
completes the sample.
"""

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.engine.progress import track
from curation.errors import CurationError
from curation.files import whole
from curation.project import Places
from curation.sample.image_sources import Source
from curation.sample.mess_plan import Item
from curation.sample.sample_files import encode, suffix
from curation.tables.codes import Origin

STAMP, TRUTH = "sample.json", "sample_truth.csv"
FOLDERS = ("raw", "unlabelled", "benchmark")
TRUTH_COLUMNS = (
    "path",
    "image_id",
    "kind",
    "round",
    "source_index",
    "true_label",
    "label",
    "subclass",
    "origin",
    "copy_of",
)
Settings = Mapping[str, Any]


class SampleError(CurationError):
    """The sample would change files that no sample wrote."""


@dataclass(frozen=True)
class Written:
    """The result: the number of files, how many are new, and how many there are of each kind."""

    files: int
    new: int
    kinds: Mapping[str, int]


def truth_path(root: Path) -> Path:
    """Return the path of the truth table of the sample in the project `root`."""
    return Places(root).cache(TRUTH)


def present(root: Path, settings: Settings) -> Written | None:
    """Return the sample on disk when it has these settings, or a later round of them; else None.

    An empty data/raw means that there is no sample.
    """
    stamp = _stamp(root)
    if stamp is None or _base(stamp["settings"]) != _base(settings) or stamp["settings"]["round"] < settings["round"]:
        return None
    if not any(_files(Places(root).raw)):
        return None
    return Written(stamp["files"], 0, stamp["kinds"])


def write_sample(
    root: Path, source: Source, items: Iterable[Item], settings: Settings, *, force: bool = False
) -> Written:
    """Write a sample below `root`/data. SampleError, before anything is written, when other files exist there.

    With `force`, unchanged files of an earlier sample are replaced. Files that no sample wrote always stay.
    """
    planned = {name_of(item, settings["seed"]): item for item in items if item.round <= settings["round"]}
    before = _stamp(root)
    earlier = before["settings"] if before else {}
    grows = before is not None and _base(earlier) == _base(settings) and earlier["round"] < settings["round"]
    if force and not grows:
        _remove(root)
    elif not grows:
        _refuse_foreign(root, set(planned))
    done = earlier["round"] if grows else 0
    new = [(path, item) for path, item in planned.items() if item.round > done]
    written = [_write(root, path, item, source, settings["seed"]) for path, item in track(new, len(new), "sample")]
    _metadata(root, planned)
    _write_truth(root, planned, settings["seed"])
    kinds = dict(Counter(item.kind for item in planned.values() if item.kind))
    _replace(
        Places(root).cache(STAMP),
        json.dumps({"settings": dict(settings), "files": len(planned), "kinds": kinds}, indent=1).encode(),
    )
    return Written(len(planned), sum(written), kinds)


def name_of(item: Item, seed: int) -> str:
    """Return the path of an item below data/, such as raw/two/1f0c…9a.png. The name does not show the kind."""
    return f"{item.folder}/{_digest(item, seed)}{suffix(item, _number(item, seed))}"


def _digest(item: Item, seed: int) -> str:
    kind = item.kind.replace("copy, ", "twin, ")  # as it was called before, so that the names of files stay
    parts = (seed, item.index, item.folder, kind, item.other)
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()[:12]


def _number(item: Item, seed: int) -> int:
    base = item.copy_of if item.kind == "identical" and item.copy_of else item
    return int(_digest(base, seed), 16)


def _write(root: Path, path: str, item: Item, source: Source, seed: int) -> bool:
    """Write one file. Return False when it existed with the same bytes."""
    data = encode(item, source.picture, _number(item, seed))
    target = Places(root).data / path
    if target.exists():
        if target.read_bytes() == data:
            return False
        raise SampleError(
            f"{target} is there with another content: it is not overwritten. Move it away, then run this again"
        )
    _replace(target, data)
    return True


def _metadata(root: Path, planned: Mapping[str, Item]) -> None:
    """Write data/raw/metadata.csv, with the origin of staged and synthetic images."""
    rows = [(path.removeprefix("raw/"), item.origin) for path, item in planned.items() if item.origin != Origin.REAL]
    if rows:
        target = Places(root).raw / "metadata.csv"
        if not target.exists():
            _replace(target, _csv([("file_name", "origin"), *sorted(rows)]))


def _write_truth(root: Path, planned: Mapping[str, Item], seed: int) -> None:
    rows = [_truth(root, path, item, seed) for path, item in sorted(planned.items())]
    _replace(truth_path(root), _csv([TRUTH_COLUMNS, *rows]))


def _truth(root: Path, path: str, item: Item, seed: int) -> tuple[Any, ...]:
    target = Places(root).data / path
    image_id = _md5(target) if target.exists() else ""  # "": somebody took it away since the last round
    copied = "data/" + name_of(item.copy_of, seed) if item.copy_of else ""
    facts = (item.kind, item.round, item.index, item.true_label, item.label, item.subclass, item.origin, copied)
    return (f"data/{path}", image_id, *facts)


def _refuse_foreign(root: Path, planned: set[str]) -> None:
    data = Places(root).data
    found = [path.relative_to(data).as_posix() for name in FOLDERS for path in _files(data / name)]
    foreign = sorted(set(found) - planned - {"raw/metadata.csv"})
    if foreign:
        raise SampleError(
            f"data/ holds {len(foreign)} file(s) that this sample would not write, such as data/{foreign[0]}: "
            "they are not touched. Work in an empty folder, move data/raw, data/unlabelled and data/benchmark away, "
            "or, to replace an earlier sample, add --force"
        )


def _remove(root: Path) -> None:
    """Remove the files of an earlier sample that nobody has changed."""
    truth = truth_path(root)
    if not truth.exists():
        return
    with truth.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        target = root / row["path"]
        if target.is_file() and _md5(target) == row["image_id"]:
            target.unlink()
    metadata = [(row["path"].removeprefix("data/raw/"), row["origin"]) for row in rows if row["origin"] != Origin.REAL]
    listing = Places(root).raw / "metadata.csv"
    if listing.exists() and listing.read_bytes() == _csv([("file_name", "origin"), *sorted(metadata)]):
        listing.unlink()
    for folder in sorted((Places(root).data).glob("*/**/"), reverse=True):
        if folder.relative_to(Places(root).data).parts[0] in FOLDERS and not any(folder.iterdir()):
            folder.rmdir()


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))


def _stamp(root: Path) -> dict[str, Any] | None:
    try:
        stamp: dict[str, Any] = json.loads((Places(root).cache(STAMP)).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return stamp if "kinds" in stamp else None  # an earlier version wrote another stamp


def _base(settings: Settings) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "round"}


def _csv(rows: Iterable[Iterable[Any]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode()


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _replace(path: Path, data: bytes) -> None:
    with whole(path) as draft:
        draft.write_bytes(data)
