"""From the pool into training, by decision: accepted images move to data/raw/<class>/, and the log says who and why.

Decisions are rows of data/reviews.csv, wherever they were made (the App, Label Studio, CVAT, "all left as ..."). They
are written first; then files move under a journal, so that a run that is killed goes on where it was. Nothing moves
without a decision.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from curation.decisions.fold import fold
from curation.decisions.log import append_reviews
from curation.errors import CurationError
from curation.labelling.metadata_rows import FILE, NAME, Line, key, lines_below
from curation.labelling.moves import AWAY, Journal, Move
from curation.labelling.pool_files import files_of
from curation.pool.answer_copies import safe
from curation.predict.decode import one_line
from curation.project.places import RAW, UNLABELLED, Places
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Word
from curation.tables.csv_cells import unguard

IDENTIFIED = "identified as"


class LabelError(CurationError):
    """A set of picks that can't be read, or that names images which are not in the pool."""


@dataclass(frozen=True)
class Stamp:
    """Who decided, when ("": when the row is written), and which model proposed: what every row of the log carries."""

    reviewer: str
    model: str
    decided_at: str = ""

    def row(self, image_id: str, decision: str, label: str = "", note: str = "") -> dict[str, str]:
        """One row for the log."""
        facts = {"image_id": image_id, "decision": decision, "label": label, "subclass": "", "note": note}
        return {**facts, "reviewer": self.reviewer, "decided_at": self.decided_at, "model": self.model}


def read_picks(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Read a proposed set (CSV or JSON with a column image_id, as the questions write) as rows of IDENTIFIED.

    A column `label` in it overrides the model's, so that a list can be corrected in a spreadsheet.
    """
    try:
        # Every cell stays text: a class may be called NA, null or 007.
        if path.suffix == ".json":
            given = pd.read_json(path, dtype=False).astype({"image_id": str}, errors="ignore")
        else:
            given = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise LabelError(
            f"{path} can't be read: {one_line(error)}. Expected a CSV or JSON file that a question wrote"
        ) from None
    if "image_id" not in given.columns:
        raise LabelError(f"{path} has no column image_id; it has {', '.join(map(str, given.columns)) or 'none'}")
    strange = sorted(set(given.image_id) - set(table.image_id))
    if strange:
        raise LabelError(f"{path}: image {strange[0]} (and {len(strange) - 1} more) is not in data/identified.parquet")
    rows = table.set_index("image_id").loc[given.image_id.drop_duplicates()].reset_index()
    if "label" in given.columns:
        wanted = given.drop_duplicates("image_id").set_index("image_id").label.reindex(rows.image_id)
        rows["picked"] = wanted.fillna("").map(unguard).to_numpy()
    return rows


def accept_rest(picks: pd.DataFrame, decided: set[str], label: str, stamp: Stamp) -> list[dict[str, str]]:
    """Rows that accept every pick nobody decided on, as `label`, or each as what it was identified as (`predicted`)."""
    left = picks[~picks.image_id.isin(decided) & (picks.error == "")]
    return [stamp.row(row["image_id"], *_accepted(row, label), provenance(row)) for row in left.to_dict("records")]


def provenance(row: Mapping[Hashable, object]) -> str:
    """What the model had said, for the log."""
    return f"{IDENTIFIED} {row['label']} at {float(str(row['confidence'])):.3f}"


def with_provenance(rows: Sequence[dict[str, str]], table: pd.DataFrame) -> list[dict[str, str]]:
    """Add what the model had said to rows of the log that do not say it."""
    facts = {row["image_id"]: row for row in table[["image_id", "label", "confidence"]].to_dict("records")}
    return [
        {**row, "note": "; ".join(filter(None, [row.get("note", ""), provenance(facts[row["image_id"]])]))}
        if row["image_id"] in facts and IDENTIFIED not in row.get("note", "")
        else dict(row)
        for row in rows
    ]


def record(rows: Sequence[Mapping[str, str]], reviews: Path) -> int:
    """Append decisions to the log; returns how many."""
    return len(append_reviews(reviews, list(rows)))


def movable(images: pd.DataFrame, reviews: pd.DataFrame, only: set[str] | None = None) -> dict[str, tuple[str, str]]:
    """Pool files that a decision names, identical copies too: path -> (image_id, label). The last decision holds."""
    about = fold(reviews)
    told = about.named.isin([Word.RELABEL, Word.KEEP]) & ~about.label.isin(["", UNKNOWN])
    named = dict(zip(*about.loc[told, ["image_id", "label"]].to_numpy().T, strict=True))
    pool = images[(images.source == "unlabelled") & images.image_id.isin(named)]
    chosen = pool if only is None else pool[pool.image_id.isin(only)]
    return {path: (image_id, named[image_id]) for path, image_id in files_of(chosen, chosen).items()}


def move(found: Mapping[str, tuple[str, str]], root: Path) -> tuple[int, dict[str, str]]:
    """Move files into data/raw/<class>/; returns how many went, and for each that stayed the reason.

    What metadata.csv says of a file (subclass, origin) goes along, into data/raw/metadata.csv; its label does not, as
    the decision stands over it.
    """
    lines = lines_below(UNLABELLED, root)
    taken: set[str] = set()
    moves = []
    for path, (image_id, label) in sorted(found.items()):
        target = _target(root, path, label, image_id, taken)
        taken.add(target)
        line = lines.get(key(path))
        moves.append(Move(path, target, image_id, {"label": label}, line, _line_in_raw(target, line)))
    refused = Journal(Places(root).cache("label"), root).send(moves)
    return len(found) - len(refused), refused


def finish(root: Path) -> int:
    """Settle what a killed run left on its way; returns how many files the journal knows to have moved."""
    journal = Journal(Places(root).cache("label"), root)
    if journal.path.exists():
        journal.settle()
    return sum(place == AWAY for _, place in journal.places())


def _accepted(row: Mapping[Hashable, object], label: str) -> tuple[str, str]:
    name = str(row.get("picked") or row["label"]) if label == "predicted" else label
    return ("unknown", "") if name == "unknown" else ("relabel", name)


def _target(root: Path, path: str, label: str, image_id: str, taken: set[str]) -> str:
    """A free place in the folder of the class: with the file's own name, else with the image's id and a number."""
    name, folder = PurePosixPath(path), f"{RAW}/{safe(label)}"
    marks = ("", f"-{image_id[:8]}", *(f"-{image_id[:8]}-{number}" for number in range(2, len(taken) + 3)))
    places = (f"{folder}/{name.stem}{mark}{name.suffix}" for mark in marks)
    return next(place for place in places if place not in taken and not (root / place).exists())


def _line_in_raw(target: str, line: Line | None) -> Line | None:
    kept = (
        {column: cell for column, cell in line.cells.items() if column not in (FILE, "label") and cell} if line else {}
    )
    return Line(f"{RAW}/{NAME}", {FILE: target.removeprefix(f"{RAW}/"), **kept}) if kept else None
