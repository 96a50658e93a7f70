"""Move accepted pool images to data/raw/<class>/, and record in the log who decided and why.

A decision is a row of data/reviews.csv, made in the App, in Label Studio, in CVAT, or for all remaining images at once.
No file moves without a decision. The new rows of the log and the moves are one transaction, so that after a kill the
next command completes both.
"""

from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from curation.decisions.fold import fold
from curation.decisions.log import append_reviews, plan_reviews
from curation.errors import CurationError, in_words
from curation.files import fitting
from curation.files.parsed import parse_json
from curation.images.collection.metadata_files import as_text
from curation.labelling.metadata_rows import FILE, NAME, Line, key, lines_below
from curation.labelling.moves import AWAY, Manifest, Move
from curation.labelling.pool_files import files_of
from curation.pool.answer_copies import safe
from curation.project import Project
from curation.project.places import RAW, UNLABELLED, Places
from curation.tables.class_names import UNKNOWN, canonical, label_problem
from curation.tables.class_names import LabelError as ClassNameError
from curation.tables.codes import Source, Word
from curation.tables.names_as_data import unguard

IDENTIFIED = "identified as"


class LabelError(CurationError):
    """The proposed images can't be read, or they are not in the pool."""


@dataclass(frozen=True)
class Stamp:
    """What every row of the log carries: the reviewer, the time, and the model that proposed.

    The time "" means the time of writing.
    """

    reviewer: str
    model: str
    decided_at: str = ""

    def row(self, image_id: str, decision: str, label: str = "", note: str = "") -> dict[str, str]:
        """Return one row for the log."""
        facts = {"image_id": image_id, "decision": decision, "label": label, "subclass": "", "note": note}
        return {**facts, "reviewer": self.reviewer, "decided_at": self.decided_at, "model": self.model}


def read_picks(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    """Read proposed images from CSV or JSON with a column image_id, and return their rows of IDENTIFIED.

    A column `label` in the file replaces the label of the model, so that a list can be corrected in a spreadsheet.
    Raises LabelError when the file can't be read or names an image that is not in the pool.
    """
    try:
        # Every cell stays text: a class may be called NA, null or 007.
        given = _json_rows(path) if path.suffix == ".json" else pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise LabelError(
            f"{path} can't be read: {in_words(error)}. Expected a CSV or JSON file that a pool command wrote"
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
    """Return rows that accept every undecided pick as `label`; "predicted" means the predicted class."""
    left = picks[~picks.image_id.isin(decided) & (picks.error == "")]
    return [stamp.row(row["image_id"], *_accepted(row, label), provenance(row)) for row in left.to_dict("records")]


def provenance(row: Mapping[Hashable, object]) -> str:
    """Return what the model had said of the image, as a text for the log."""
    return f"{IDENTIFIED} {row['label']} at {float(str(row['confidence'])):.3f}"


def with_provenance(rows: Sequence[dict[str, str]], table: pd.DataFrame) -> list[dict[str, str]]:
    """Add what the model had said to the rows that do not say it yet."""
    facts = {row["image_id"]: row for row in table[["image_id", "label", "confidence"]].to_dict("records")}
    return [
        {**row, "note": "; ".join(filter(None, [row.get("note", ""), provenance(facts[row["image_id"]])]))}
        if row["image_id"] in facts and IDENTIFIED not in row.get("note", "")
        else dict(row)
        for row in rows
    ]


def record(rows: Sequence[Mapping[str, str]], reviews: Path) -> int:
    """Append decisions to the log, and return how many."""
    return len(append_reviews(reviews, list(rows)))


def movable(images: pd.DataFrame, reviews: pd.DataFrame, only: set[str] | None = None) -> dict[str, tuple[str, str]]:
    """Return the pool files that a decision names, with identical copies: path -> (image_id, label).

    The last decision of an image holds.
    """
    about = fold(reviews)
    told = about.named.isin([Word.RELABEL, Word.KEEP]) & ~about.label.isin(["", UNKNOWN])
    named = dict(zip(*about.loc[told, ["image_id", "label"]].to_numpy().T, strict=True))
    pool = images[(images.source == Source.UNLABELLED) & images.image_id.isin(named)]
    chosen = pool if only is None else pool[pool.image_id.isin(only)]
    return {path: (image_id, named[image_id]) for path, image_id in files_of(chosen, chosen).items()}


def move(
    found: Mapping[str, tuple[str, str]], root: Path, rows: Sequence[Mapping[str, str]] = ()
) -> tuple[int, dict[str, str]]:
    """Move files into data/raw/<class>/, and add `rows` to the log. Return how many moved, and why others stayed.

    The cells of metadata.csv about a file (subclass, origin) move with it into data/raw/metadata.csv. The cell `label`
    does not, because the decision replaces it.
    """
    project = Project(root)
    with project.journal.plan("label accept") as plan:
        plan_reviews(plan, project.reviews, list(rows))
        lines = lines_below(UNLABELLED, root)
        folders, taken = _class_folders(root), set[str]()
        moves = []
        for path, (image_id, label) in sorted(found.items()):
            own = label if not label_problem(label) else safe(label)  # a row that was written by hand may hold a path
            target = _target(root, path, f"{RAW}/{folders.get(label, own)}", image_id, taken)
            taken.add(target)
            line = lines.get(key(path))
            moves.append(Move(path, target, image_id, {"label": label}, line, _line_in_raw(target, line)))
        refused = Manifest(project.cache("label"), root).send(plan, moves)
    return len(found) - len(refused), refused


def moved_before(root: Path) -> dict[str, str]:
    """Return the files that moved into data/raw: the path that each had in the pool -> image_id."""
    manifest = Manifest(Places(root).cache("label"), root)
    return {move.home: move.image_id for move, place in manifest.places() if place == AWAY}


def _json_rows(path: Path) -> pd.DataFrame:
    """The rows of a JSON list of objects, every cell as text. ValueError where it is none."""
    rows = parse_json(path.read_text(encoding="utf-8-sig"))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("it is no list of objects")
    return pd.DataFrame([{name: as_text(cell) for name, cell in row.items()} for row in rows]).fillna("").astype(str)


def _accepted(row: Mapping[Hashable, object], label: str) -> tuple[str, str]:
    name = str(row.get("picked") or row["label"]) if label == "predicted" else label
    return ("unknown", "") if name == "unknown" else ("relabel", name)


def _target(root: Path, path: str, folder: str, image_id: str, taken: set[str]) -> str:
    """Return a free path in the class folder: the name of the file, or else its image_id and a number."""
    name = PurePosixPath(path).name
    marks = ("", f"-{image_id[:8]}", *(f"-{image_id[:8]}-{number}" for number in range(2, len(taken) + 3)))
    places = (f"{folder}/{fitting(name, mark)}" for mark in marks)
    return next(place for place in places if place not in taken and not (root / place).exists())


def _class_folders(root: Path) -> dict[str, str]:
    """Return class -> the name of its folder as the disk spells it: macOS, for one, writes another Unicode form."""
    found = {}
    for name in sorted(path.name for path in Places(root).raw.glob("*/")):
        with suppress(ClassNameError):
            found[canonical(name)] = name
    return found


def _line_in_raw(target: str, line: Line | None) -> Line | None:
    texts = {column: as_text(cell) for column, cell in line.cells.items()} if line else {}
    kept = {column: text for column, text in texts.items() if column not in (FILE, "label") and text}
    return Line(f"{RAW}/{NAME}", {FILE: target.removeprefix(f"{RAW}/"), **kept}) if kept else None
