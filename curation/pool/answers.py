"""What a question needs from disk: the table, and the calibration that says what a confidence is worth."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from curation import tables
from curation.decisions.log import last_named, read_reviews
from curation.errors import CurationError
from curation.predict.calibration import Calibration
from curation.predict.decode import content_id
from curation.predict.model_lookup import CALIBRATION, CANDIDATE
from curation.predict.thresholds import Expected

IDENTIFIED = Path("data/identified.parquet")
PREDICTIONS = Path("data/predictions.parquet")
SELECTION = Path("data/selection.parquet")


class AnswersError(CurationError):
    """A table of answers that is not there."""


class ThresholdError(CurationError):
    """A precision that the model reaches at no threshold."""


@dataclass(frozen=True)
class Answers:
    """The identified images, and the calibration of the model that named them (None when there is none)."""

    table: pd.DataFrame
    calibration: Calibration | None
    folder: Path  # where the other tables of the same round are

    @property
    def classes(self) -> set[str]:
        """The classes that the model knows."""
        return set(self.calibration.classes) if self.calibration else set(self.table.label) - {""}

    @property
    def model(self) -> str:
        """The model that gave the answers, as the log names it; where they do not tell, the candidate."""
        told = self.calibration.model if self.calibration else ""
        return (told or (content_id(CANDIDATE) if CANDIDATE.exists() else ""))[:12]

    def still_open(self) -> "Answers":
        """The same without the images that people named or removed since: nobody asks about these any more."""
        named = last_named(read_reviews())
        settled = self.table["image_id"].isin(named.loc[named["decision"] != "unknown", "image_id"])
        return replace(self, table=self.table[~settled].reset_index(drop=True)) if settled.any() else self

    def predictions(self) -> pd.DataFrame:
        """The scores of the images that are known, for comparison."""
        return tables.read(self.folder / PREDICTIONS, tables.PREDICTIONS)

    def expected(self, min_conf: float) -> Expected | None:
        """What lies above a threshold on held-back images; None without a calibration measured on any."""
        if self.calibration is None or not self.calibration.curve.total:
            return None
        return self.calibration.expected(min_conf)

    def threshold(self, min_conf: float, target_precision: float | None) -> float:
        """The threshold to use: the one given, or the lowest that reaches a precision."""
        if target_precision is None:
            return min_conf
        if self.calibration is None or not self.calibration.curve.total:
            raise ThresholdError(
                "--target-precision needs data/calibration.json of this model: run `dvc repro evaluate`"
            )
        found = self.calibration.threshold_for(target_precision)
        if math.isnan(found):
            raise ThresholdError(
                f"no confidence threshold reached a precision of {target_precision:g} on held-back images: ask for "
                "less, or make the model better (`curate next` says which images to label)"
            )
        return found


def load(table: Path | None = None, rev: str = "") -> Answers:
    """Read the answers of the workspace, of another table, or of a git revision or experiment."""
    if rev:
        from curation.predict.model_lookup import fetch

        return _read(fetch([IDENTIFIED, CALIBRATION, PREDICTIONS, SELECTION], rev))
    if table is None:
        return _read(Path())
    if not table.exists():
        raise AnswersError(f"{table} does not exist: `curate identify FOLDER --out {table}` writes it")
    beside = table.with_suffix(".calibration.json")
    frame = tables.read(table, tables.IDENTIFIED)
    return Answers(frame, Calibration.read(beside) if beside.exists() else None, Path())


def _read(folder: Path) -> Answers:
    frame = tables.read(folder / IDENTIFIED, tables.IDENTIFIED)
    calibration = folder / CALIBRATION
    return Answers(frame, Calibration.read(calibration) if calibration.exists() else None, folder)
