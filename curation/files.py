"""Files that appear whole or not at all: a hidden draft beside the target, then a rename (invariant 6).

POSIX promises that a rename within a folder is one step, so whoever reads sees the old file or the new one. The target
may be a link into DVC's cache: it is replaced, never written through.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give the path of a draft to write; when the block ends well the draft becomes `path`, else it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.partial")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, whole or not at all, with the line ends it has."""
    with whole(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="")
