"""What ingest says when it is done: how many images there are, and every file that needs a look."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pandas as pd

from curation.errors import printable
from curation.tables.codes import Source

SHOWN = 20


@dataclass
class Report:
    """Counts over the batches of the table `images`."""

    contents: int = 0
    copies: int = 0
    labels: set[str] = field(default_factory=set)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    odd: list[tuple[str, str]] = field(default_factory=list)
    sets: dict[str, Counter[str]] = field(default_factory=dict)  # benchmark set: how many images of each label

    def add(self, frame: pd.DataFrame) -> None:
        """Count one batch."""
        self.contents += len(frame)
        self.copies += int(frame["copy_paths"].map(len).sum())
        self.labels |= set(frame.loc[frame["source"] == Source.RAW, "label"])
        self.unreadable += _listed(frame, "error")
        self.odd += _listed(frame, "note")
        for name, labels in frame[frame["source"] == Source.BENCHMARK].groupby("benchmark_set")["label"]:
            self.sets.setdefault(str(name), Counter()).update(labels)

    def print(self, notes: Iterable[str] = ()) -> None:
        """Print the counts on stdout, and on stderr the files that need a look and `notes` on the collection."""
        print(
            f"ingest: {self.contents - len(self.unreadable)} images in {len(self.labels - {'unknown'})} classes, "
            f"{self.copies} more files with the same bytes, {len(self.unreadable)} unreadable, {len(self.odd)} odd"
        )
        _list("unreadable, left out", self.unreadable)
        _list("odd, but kept", self.odd)
        for note in (*notes, *self._unlabelled_sets()):
            print(printable(f"  note: {note}"), file=sys.stderr)

    def _unlabelled_sets(self) -> Iterator[str]:
        """Name the benchmark sets that can't measure a model, because no image of them has a class."""
        for name, labels in sorted(self.sets.items()):
            if set(labels) == {"unknown"}:
                yield (
                    f"benchmark set {name}: all of its {labels.total()} images are labelled unknown. Where they have "
                    f"classes, the folders are data/benchmark/{name}/<class>/"
                )


def passed_over_note(passed_over: Counter[str]) -> list[str]:
    """One sentence on what was not listed, with counts; none where nothing was passed over."""
    if not passed_over:
        return []
    shown = ", ".join(f"{count} {what}" for what, count in sorted(passed_over.items())[:SHOWN])
    more = f" and {len(passed_over) - SHOWN} more kinds" if len(passed_over) > SHOWN else ""
    return [f"passed over, as hidden or left behind by a system: {shown}{more}"]


def _listed(frame: pd.DataFrame, column: str) -> list[tuple[str, str]]:
    there = frame[frame[column] != ""]
    return list(zip(there["path"], there[column], strict=True))


def _list(title: str, files: list[tuple[str, str]]) -> None:
    for path, reason in sorted(files)[:SHOWN]:
        print(printable(f"  {title}: {path}: {reason}"), file=sys.stderr)
    if len(files) > SHOWN:
        print(
            f"  ... and {len(files) - SHOWN} more: all are in data/images.parquet, columns `error` and `note`",
            file=sys.stderr,
        )
