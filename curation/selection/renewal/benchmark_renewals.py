"""The log of renewals of the benchmark: data/benchmark_renewals.csv, append-only, one row an image, in git.

A benchmark that has judged many candidates favours those that were lucky on it. A renewal swaps whole leak groups
between the drawn benchmark and test. So each image that it moves is still held out: no model was trained on it, and
none ever will be. The last row of an image holds. `renewed` puts the log over the lineage of the base model, which then
gives these images their split, as it does for every image that an earlier model knew.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from curation.errors import CurationError, in_words
from curation.files import write_text
from curation.tables.codes import HELD_OUT_SPLITS, Basis, Reason, Split

MEND = "Mend the line by hand; the file is in git"
COLUMNS = ["renewal", "image_id", "split", "renewed_at", "person"]
HELD_OUT = {split.value for split in HELD_OUT_SPLITS}
SENTENCES = {
    Split.TEST.value: "it was in the benchmark until a renewal retired it, so it is in test",
    Split.BENCHMARK.value: "it was drawn from test when the benchmark was renewed, so it is frozen there",
}


class RenewalError(CurationError):
    """The log can't be read, or the benchmark can't be renewed now."""


def read_renewals(path: Path | None) -> pd.DataFrame:
    """Read and check the log: COLUMNS as text, in the order of time. None, or a file that is not there, is empty."""
    if path is None or not path.exists():
        return pd.DataFrame(columns=COLUMNS, dtype="str")
    rows = []
    for number, line in enumerate(path.read_bytes().replace(b"\r\n", b"\n").split(b"\n"), 1):
        try:
            fields = next(csv.reader([line.decode("utf-8")]), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise RenewalError(f"{path} line {number}: {in_words(error)}. {MEND}") from None
        if not fields or fields == COLUMNS:
            continue
        if len(fields) != len(COLUMNS) or fields[2] not in HELD_OUT or not fields[0].isdigit():
            raise RenewalError(
                f"{path} line {number}: expected {', '.join(COLUMNS)} with the split test or benchmark, found "
                f"{','.join(fields)[:80]!r}. {MEND}"
            )
        rows.append(fields)
    frame = pd.DataFrame(rows, columns=COLUMNS, dtype="str")
    return frame.sort_values(["renewed_at", "renewal", "image_id"], kind="stable", ignore_index=True)


def start(path: Path) -> None:
    """Write an empty log where there is none, because the stage `split` depends on the file."""
    if not path.exists():
        write_text(path, ",".join(COLUMNS) + "\n")


def append(path: Path, log: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Write the log with `rows` behind it, whole or not at all. Call it under a lock of the project."""
    text = io.StringIO()
    pd.concat([log, rows])[COLUMNS].to_csv(text, index=False, lineterminator="\n")
    write_text(path, text.getvalue())


def moved(log: pd.DataFrame) -> dict[str, str]:
    """image_id -> split: the last row of each image."""
    return dict(zip(log["image_id"], log["split"], strict=True))


def renewed(lineage: Mapping[str, str], log: pd.DataFrame) -> dict[str, str]:
    """The lineage with the moves of the log. An image that an earlier model learnt from stays where it was."""
    moves = moved(log).items()
    return {**lineage, **{image: split for image, split in moves if lineage.get(image, split) in HELD_OUT}}


def explained(splits: pd.DataFrame, log: pd.DataFrame) -> pd.DataFrame:
    """SPLITS in which basis and reason of the moved images name the renewal."""
    moves = splits["image_id"].map(moved(log))
    here = (moves == splits["split"]) & (splits["basis"] == Basis.LINEAGE)
    told = splits.copy()
    told.loc[here, "basis"] = Basis.RENEWAL.value
    told.loc[here, "reason_code"] = Reason.RENEWAL.value
    told.loc[here, "reason"] = moves[here].map(SENTENCES)
    return told
