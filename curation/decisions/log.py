"""The log of human decisions: data/reviews.csv, append-only, a row a decision, in git.

The App, the command line and several people at once may add rows; `curation.files.append_only` sees to it that a row
is written whole or not at all. Reading goes line by line: a torn or foreign line is named by its number and never hides
its neighbours. What a row may say stands in `curation.decisions.words`; which of several rows holds, in
`curation.decisions.order`; `curation.decisions.fold` is the one reader that says what holds.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from curation.decisions.order import NO_TIME, REVIEW_COLUMNS, in_order, instant, stamped
from curation.decisions.words import IMAGE_ID, PAIR_WORDS, parse_decision
from curation.files.append_only import LineError, appending
from curation.files.change_plan import Plan
from curation.tables.class_names import label_problem
from curation.tables.codes import Word

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, str]
MEND = "Mend the line by hand; the file is in git."
MARKS = ("<" * 7, "=" * 7, ">" * 7, "|" * 7)  # of a merge that git could not finish


class ReviewsError(LineError):
    """A row of reviews.csv that can't be understood."""


def read_reviews(path: Path) -> "pd.DataFrame":
    """Read and check the log: REVIEW_COLUMNS as text plus `line`, in the order of `curation.decisions.order`.

    A file that does not exist is an empty log. ReviewsError names the first bad line.
    """
    import pandas as pd

    rows = list(_rows(path, path.read_bytes())) if path.exists() else []
    frame = pd.DataFrame(rows, columns=["line", *REVIEW_COLUMNS])
    frame = frame.astype(dict.fromkeys(REVIEW_COLUMNS, "str"))
    frame.attrs["path"] = str(path)
    return in_order(frame)


def append_reviews(path: Path, rows: "Iterable[Mapping[str, object]] | pd.DataFrame") -> list[Row]:
    """Add rows (dicts or a frame with some of REVIEW_COLUMNS) to the log; returns them as they were written.

    Every row is checked before any is written; one without `decided_at` gets the time now. AppendError where the disk
    refuses: none of the rows is in the log then. A missing header is written first.
    """
    new = checked(path, rows)
    if not new:
        return []
    with appending(path) as log:
        new, data = _written(new, log.there)
        log.add(data)
    return new


def plan_reviews(plan: Plan, path: Path, rows: "Iterable[Mapping[str, object]] | pd.DataFrame") -> None:
    """Plan to add rows to the log, as `append_reviews` does, together with the other changes of the plan."""
    if new := checked(path, rows):
        plan.append(path, _written(new, path.read_bytes() if path.exists() else b"")[1])


def with_rows(reviews: "pd.DataFrame", rows: list[Row]) -> "pd.DataFrame":
    """The log as `read_reviews` gives it once these rows were added."""
    import pandas as pd

    times = dict(zip(reviews["image_id"], map(instant, reviews["decided_at"]), strict=True))  # the newest is the last
    new = pd.DataFrame(stamped(rows, times), columns=REVIEW_COLUMNS)
    new.insert(0, "line", range(len(reviews) + 2, len(reviews) + 2 + len(rows)))
    return in_order(pd.concat([reviews, new], ignore_index=True)) if rows else reviews


def checked(path: Path, rows: "Iterable[Mapping[str, object]] | pd.DataFrame") -> list[Row]:
    """Check rows that are to be added to the log at `path`; ReviewsError names the first bad one."""
    return [_checked(path, number, row) for number, row in enumerate(_mappings(rows), 1)]


def _written(new: list[Row], there: bytes) -> tuple[list[Row], bytes]:
    """Give rows their times, and return them with their bytes. A missing header comes first."""
    new = stamped(new, _latest(there, {row["image_id"] for row in new}))
    header = b"" if there else _csv(REVIEW_COLUMNS)
    return new, header + b"".join(_csv([row[key] for key in REVIEW_COLUMNS]) for row in new)


def _latest(data: bytes, image_ids: set[str]) -> dict[str, int]:
    """The newest instant of some images in the bytes of a log; lines that can't be read say nothing."""
    found: dict[str, int] = {}
    wanted = {one.encode() for one in image_ids}
    for line in data.splitlines():
        if line[:32] in wanted:
            try:
                fields = _fields(line.decode("utf-8"))
                one, when = fields[0], instant(fields[REVIEW_COLUMNS.index("decided_at")].strip())
            except (ValueError, IndexError, csv.Error):
                continue
            found[one] = max(found.get(one, NO_TIME), when)
    return found


def _mappings(rows: "Iterable[Mapping[str, object]] | pd.DataFrame") -> list[Row]:
    records = rows.to_dict("records") if hasattr(rows, "to_dict") else rows
    return [{key: "" if row.get(key) is None else str(row.get(key)) for key in REVIEW_COLUMNS} for row in records]


def _checked(path: Path, number: int, row: Row) -> Row:
    """One row to be added; a line break inside a note would make two lines of it, so it becomes a space."""
    flat = {key: " ".join(value.split()) for key, value in row.items()}
    problem = _problem(flat) or (label_problem(flat["label"]) if flat["decision"] == Word.RELABEL else "")
    if problem:
        about = f"(a row to be added, {flat['decision']} for image {flat['image_id']}) {problem}"
        raise ReviewsError(path, number, about, "Nothing was written.")
    return flat


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
    try:
        instant(row["decided_at"])
    except (ValueError, OverflowError):
        return f"decided_at is `{row['decided_at']}`, which is no ISO 8601 time such as 2026-11-27T14:05:00+00:00"
    if decision.word in PAIR_WORDS and decision.detail == row["image_id"]:
        return f"`{decision}` compares the image with itself"
    if decision.word is Word.RELABEL and not row["label"]:
        return "a relabel names no label"
    return ""


def _rows(path: Path, data: bytes) -> Iterator[list[object]]:
    """Every line of the log that holds a decision: its number, then its fields."""
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    header = True
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            fields = _fields(line.decode("utf-8").removeprefix("\ufeff"))  # of a file that another was added to
        except UnicodeDecodeError as error:
            raise ReviewsError(path, number, f"not UTF-8 ({error.reason})", "Save the file as UTF-8.") from None
        except csv.Error as error:
            raise ReviewsError(path, number, f"a torn line ({error})", MEND) from None
        if header and fields != REVIEW_COLUMNS:
            raise ReviewsError(
                path, number, f"the header is {','.join(fields)}", f"It must be {','.join(REVIEW_COLUMNS)}."
            )
        if fields != REVIEW_COLUMNS:  # a merge of two logs may leave the header twice
            yield [number, *_read(path, number, fields)]
        header = False


def _fields(line: str) -> list[str]:
    """Cells of one line; csv.Error where a quoted cell does not end in it."""
    return next(csv.reader([line], strict=True), [])


def _read(path: Path, number: int, fields: list[str]) -> list[str]:
    if fields[0].startswith(MARKS):
        fix = (
            "Take the marks out and keep the rows of both sides; `data/reviews.csv merge=union` in .gitattributes does."
        )
        raise ReviewsError(path, number, f"`{fields[0]}` is a mark of a git merge that was not finished", fix)
    if len(fields) != len(REVIEW_COLUMNS):
        raise ReviewsError(path, number, f"{len(fields)} fields instead of {len(REVIEW_COLUMNS)}", MEND)
    row = dict(zip(REVIEW_COLUMNS, (field.strip() for field in fields), strict=True))
    if problem := _problem(row):
        raise ReviewsError(path, number, problem, MEND)
    return list(row.values())
