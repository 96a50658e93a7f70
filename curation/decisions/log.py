"""The log of human decisions: data/reviews.csv, append-only, a row a decision, in git.

The App, the command line and several people at once may add rows, so a file lock stands around every append and a row
is written whole or not at all. What a row may say:

    relabel          the label column (and subclass) is right          remove      not for training, whoever asks
    unknown          a good picture of nobody-knows-what               keep        hard, but its label is right
    benchmark:<set>  into that hand-made benchmark set, for good       small       its subject is small: never zoom out
    turn:<degrees>   90, 180 or 270 clockwise make it upright          turn:0      takes that back
"""

import csv
import fcntl
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from curation.errors import CurationError

if TYPE_CHECKING:
    import pandas as pd

REVIEW_COLUMNS = ["image_id", "decision", "label", "subclass", "reviewer", "decided_at", "model", "note"]
WORDS = ("relabel", "remove", "unknown", "keep", "small")
DECISIONS = "relabel, remove, unknown, keep, small, benchmark:<set>, turn:<0|90|180|270>"
IMAGE_ID = re.compile(r"[0-9a-f]{32}")
SET_NAME = re.compile(r"[^\s/\\:,]+")


class ReviewsError(CurationError):
    """A row of reviews.csv that can't be understood."""

    def __init__(self, path: Path, line: int, found: str, fix: str) -> None:
        super().__init__(f"{path} line {line}: {found}. {fix}")


@dataclass(frozen=True)
class Decision:
    """A decision's word and what stands behind its colon ("" when nothing does)."""

    word: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.word}:{self.detail}" if self.detail else self.word


def parse_decision(text: str) -> Decision:
    """Read one decision; ValueError says what is wrong with it."""
    word, _, detail = text.strip().partition(":")
    if word in WORDS and not detail:
        return Decision(word)
    if word == "turn" and detail in {"0", "90", "180", "270"}:
        return Decision(word, detail)
    if word == "benchmark" and SET_NAME.fullmatch(detail) and detail != "frozen":
        return Decision(word, detail)
    raise ValueError(f"`{text}` is no decision (they are: {DECISIONS})")


def read_reviews(path: Path) -> "pd.DataFrame":
    """Read and check the log: REVIEW_COLUMNS as text plus `line`, in the order written.

    A file that does not exist is an empty log. ReviewsError names the first bad line.
    """
    import pandas as pd

    rows = list(_rows(path)) if path.exists() else []
    frame = pd.DataFrame(rows, columns=["line", *REVIEW_COLUMNS])
    return frame.astype(dict.fromkeys(REVIEW_COLUMNS, "str"))


def last_named(reviews: "pd.DataFrame") -> "pd.DataFrame":
    """The last row of each image that says what it shows: relabel, unknown, or that it is to be removed."""
    about = reviews[reviews["decision"].isin(["relabel", "remove", "unknown"])]
    return about.drop_duplicates("image_id", keep="last")


def append_reviews(path: Path, rows: "Iterable[Mapping[str, object]] | pd.DataFrame") -> int:
    """Add rows (dicts or a frame with some of REVIEW_COLUMNS) to the log and return how many were added.

    Every row is checked before any is written. Two processes may append at a time: an exclusive lock on the file
    itself, then one write of whole lines, then fsync. A missing header or an open last line is mended first.
    """
    lines = [_line(path, number, row) for number, row in enumerate(_mappings(rows), 1)]
    if not lines:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path) as file:
        size = file.seek(0, os.SEEK_END)
        start = b"" if size else _csv(REVIEW_COLUMNS)
        if size:
            file.seek(size - 1)
            start = b"" if file.read(1) == b"\n" else b"\n"
        file.write(start + b"".join(lines))
        file.flush()
        os.fsync(file.fileno())
    return len(lines)


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """Open the log for appending (O_APPEND: a write always lands at the end) under an exclusive lock."""
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _mappings(rows: "Iterable[Mapping[str, object]] | pd.DataFrame") -> list[dict[str, str]]:
    records = rows.to_dict("records") if hasattr(rows, "to_dict") else rows
    return [{key: "" if row.get(key) is None else str(row.get(key)) for key in REVIEW_COLUMNS} for row in records]


def _line(path: Path, number: int, row: dict[str, str]) -> bytes:
    """One row as CSV bytes; a line break inside a note would make two lines of it, so it becomes a space."""
    flat = {key: " ".join(value.split()) for key, value in row.items()}
    problem = _problem(flat)
    if problem:
        raise ReviewsError(path, number, f"(a row to be added) {problem}", "Nothing was written.")
    return _csv([flat[key] for key in REVIEW_COLUMNS])


def _csv(values: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8")


def _problem(row: Mapping[str, str]) -> str:
    """What is wrong with a row, "" when nothing is."""
    if not IMAGE_ID.fullmatch(row["image_id"]):
        return f"`{row['image_id']}` is no image_id (32 hex digits, as in data/images.parquet)"
    try:
        decision = parse_decision(row["decision"])
    except ValueError as error:
        return str(error)
    if decision.word == "relabel" and not row["label"]:
        return "a relabel names no label"
    return ""


def _rows(path: Path) -> Iterator[list[object]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReviewsError(path, 1, f"not UTF-8 ({error.reason})", "Save it as UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, REVIEW_COLUMNS)
    if header != REVIEW_COLUMNS:
        raise ReviewsError(path, 1, f"the header is {','.join(header)}", f"It must be {','.join(REVIEW_COLUMNS)}.")
    fix = "Mend the line by hand; the file is in git."
    for fields in reader:
        if not fields:
            continue
        if len(fields) != len(REVIEW_COLUMNS):
            found = f"{len(fields)} fields instead of {len(REVIEW_COLUMNS)}"
            raise ReviewsError(path, reader.line_num, found, fix)
        row = dict(zip(REVIEW_COLUMNS, (field.strip() for field in fields), strict=True))
        problem = _problem(row)
        if problem:
            raise ReviewsError(path, reader.line_num, problem, fix)
        yield [reader.line_num, *row.values()]
