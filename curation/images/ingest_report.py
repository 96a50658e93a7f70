"""What ingest says when it is done: how many images there are, and every file that needs a look."""

import sys
from dataclasses import dataclass, field

import pandas as pd

SHOWN = 20


@dataclass
class Report:
    """Counts over the batches of the table `images`."""

    contents: int = 0
    copies: int = 0
    labels: set[str] = field(default_factory=set)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    odd: list[tuple[str, str]] = field(default_factory=list)

    def add(self, frame: pd.DataFrame) -> None:
        """Count one batch."""
        self.contents += len(frame)
        self.copies += int(frame["copy_paths"].map(len).sum())
        self.labels |= set(frame.loc[frame["source"] == "raw", "label"])
        self.unreadable += _listed(frame, "error")
        self.odd += _listed(frame, "note")

    def print(self) -> None:
        """Print the counts on stdout, and the files that need a look on stderr."""
        print(
            f"ingest: {self.contents - len(self.unreadable)} images in {len(self.labels - {'unknown'})} classes, "
            f"{self.copies} more files with the same bytes, {len(self.unreadable)} unreadable, {len(self.odd)} odd"
        )
        _list("unreadable, left out", self.unreadable)
        _list("odd, but kept", self.odd)


def _listed(frame: pd.DataFrame, column: str) -> list[tuple[str, str]]:
    there = frame[frame[column] != ""]
    return list(zip(there["path"], there[column], strict=True))


def _list(title: str, files: list[tuple[str, str]]) -> None:
    for path, reason in sorted(files)[:SHOWN]:
        print(f"  {title}: {path}: {reason}", file=sys.stderr)
    if len(files) > SHOWN:
        print(
            f"  ... and {len(files) - SHOWN} more: all are in data/images.parquet, columns `error` and `note`",
            file=sys.stderr,
        )
