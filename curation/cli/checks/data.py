"""Checks of the data: the folders, the number of files, the class folders, and the decisions."""

import os
from collections.abc import Iterator
from pathlib import Path

from curation.cli.checks.check import Check, broken, note, ok
from curation.errors import CurationError
from curation.project.places import DESCRIPTORS, WEIGHTS

MANY_FILES = 50_000
FOLDERS = ("raw", "unlabelled", "benchmark")


def folders(root: Path) -> Check:
    """Check that data/raw exists, and that no folder beside it has nearly the name of one that is read.

    The optional folders must exist once the pipeline has made them.
    """
    from curation.images.collection.scan import near_misses

    data = root / "data"
    gone = [name for name in FOLDERS if not (data / name).is_dir()]
    tracked = [name for name in gone if (data / f"{name}.dvc").exists()]
    if tracked:
        names = " ".join(f"data/{name}.dvc" for name in tracked)
        fix = f"dvc checkout {names} (dvc pull where this machine never had it); to do without it: dvc remove {names}"
        return broken("folders", f"DVC tracks {', '.join(tracked)}, but the folder is gone", fix)
    near = "; ".join(near_misses(root)) if data.is_dir() else ""
    if "raw" in gone:
        found = f"data/raw does not exist. {near}" if near else "data/raw does not exist"
        return broken("folders", found, "put images in data/raw/CLASS/, or: curate sample digits --mess")
    lost = [f"data/{name}" for name in gone]
    lost += [name for name in (WEIGHTS, DESCRIPTORS) if not (root / name).is_dir()]
    if lost and (data / ".collected").exists():
        names = " ".join(lost)
        return broken("folders", f"{names} was deleted; the pipeline needs it, even empty", f"mkdir -p {names}")
    if near:
        return note("folders", near, "rename the folder (mv), or leave it if it is not meant for the pipeline")
    return ok("folders", "data/raw" + "".join(f", data/{name}" for name in FOLDERS[1:] if name not in gone))


def classes(root: Path) -> Check:
    """Check that there are class folders with files in them."""
    raw = root / "data/raw"
    counts = {path.name: sum(1 for _ in _walk(path)) for path in sorted(raw.glob("*/"))} if raw.is_dir() else {}
    named = {name: count for name, count in counts.items() if name != "unknown"}
    empty = [name for name, count in counts.items() if not count]
    if len(named) - len([name for name in empty if name != "unknown"]) < 2:
        fix = "make one folder for each class: data/raw/CLASS/picture.jpg, with two classes at least"
        return broken("classes", f"{len(named)} class folder(s) with images in data/raw", fix)
    if empty:
        return note("classes", f"{len(named)}, but empty: {', '.join(empty)}", f"rmdir data/raw/{empty[0]}, or fill it")
    fewest = min(named, key=lambda name: (named[name], name))
    return ok("classes", f"{len(named)}; the smallest is {fewest} with {named[fewest]} file(s)")


def files(root: Path) -> Check:
    """Check how many loose files DVC has to look at."""
    count = sum(1 for name in FOLDERS for _ in _walk(root / "data" / name))
    if count <= MANY_FILES:
        return ok("files", f"{count:,} in data/")
    fix = (
        "`dvc freeze ingest` until new images come, so that a repro does not look at every file; "
        "add new images by folder (dvc add data/raw/CLASS); `dvc config cache.type hardlink,symlink` saves the copies"
    )
    return note("files", f"{count:,} in data/: DVC spends about 0.2 s for each 1,000 at every command", fix)


def names(root: Path) -> Check:
    """Check that all names are UTF-8: DVC ends with an error that does not say which name is not."""
    from curation.images.collection.walk import names_not_text

    found = [path for name in FOLDERS for path in names_not_text(root / "data" / name)]
    if not found:
        return ok("names", "all names in data/ are UTF-8")
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    fix = "rename them, for example: convmv -r -f latin1 -t utf8 --notest data"
    return broken("names", f"not UTF-8, so DVC can't track it: {found[0]}{more}", fix)


def decisions(root: Path) -> Check:
    """Check that data/reviews.csv can be read."""
    from curation.decisions.log import read_reviews

    path = root / "data/reviews.csv"
    if not path.exists():
        fix = "git checkout data/reviews.csv brings it back; the stage cutoff needs it, with its header line at least"
        return broken("decisions", "data/reviews.csv does not exist", fix)
    try:
        return ok("decisions", f"{len(read_reviews(path)):,} in data/reviews.csv")
    except CurationError as error:
        return broken("decisions", str(error), "fix that line of data/reviews.csv")


def renewals(root: Path) -> Check:
    """Check that the log of renewals of the benchmark can be read."""
    from curation.project import Project
    from curation.selection.renewal.benchmark_renewals import read_renewals

    try:
        path = Project(root).benchmark_renewals
        return ok("renewals", f"{len(read_renewals(path)):,} images moved in {path.name}")
    except CurationError as error:
        return broken("renewals", str(error), "mend that line by hand, or bring the file back with git checkout")


def _walk(folder: Path) -> Iterator[str]:
    """Yield the paths of all files below a folder except hidden ones; fast enough for a million files."""
    for where, below, names in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        yield from (os.path.join(where, name) for name in names if not name.startswith("."))  # noqa: PTH118


DATA_CHECKS = (folders, classes, files, names, decisions, renewals)
