"""Read what a question to the pool needs: the table of identified images, and the calibration of their model."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from curation import tables
from curation.decisions.fold import fold
from curation.decisions.log import read_reviews
from curation.errors import CurationError
from curation.predict.calibration import Calibration
from curation.predict.decode import content_id
from curation.predict.thresholds import Expected
from curation.project import Project, Reader
from curation.tables.codes import Word


class AnswersError(CurationError):
    """The table of identified images does not exist."""


class ThresholdError(CurationError):
    """No confidence threshold can be found for the wanted precision."""


@dataclass(frozen=True)
class Answers:
    """The identified images and the calibration of the model that scored them; None when there is no calibration."""

    table: pd.DataFrame
    calibration: Calibration | None
    project: Project
    round: Reader  # has the other tables of the same round

    @property
    def classes(self) -> set[str]:
        """Return the classes that the model knows."""
        return set(self.calibration.classes) if self.calibration else set(self.table.label) - {""}

    @property
    def model(self) -> str:
        """Return the first 12 digits of the MD5 of the model that scored the images.

        When the answers do not record their model, the candidate is used.
        """
        told = self.calibration.model if self.calibration else ""
        return (told or (content_id(self.project.candidate) if self.project.candidate.exists() else ""))[:12]

    def still_open(self) -> "Answers":
        """Return the answers without the images that a person has named or removed since the model scored them."""
        held = fold(read_reviews(self.project.reviews))
        named = held["named"].isin([Word.RELABEL, Word.REMOVE]) | ((held["named"] == Word.KEEP) & (held["label"] != ""))
        settled = self.table["image_id"].isin(held.loc[named, "image_id"])
        return replace(self, table=self.table[~settled].reset_index(drop=True)) if settled.any() else self

    def predictions(self) -> pd.DataFrame:
        """Return the PREDICTIONS table of the same round: the scores of the labelled images."""
        return self.round.table(tables.PREDICTIONS)

    def expected(self, min_conf: float) -> Expected | None:
        """Return the expected precision and coverage at or above `min_conf`; None without a measured calibration."""
        if self.calibration is None or not self.calibration.curve.total:
            return None
        return self.calibration.expected(min_conf)

    def threshold(self, min_conf: float, target_precision: float | None) -> float:
        """Return the threshold to use: `min_conf`, or the lowest threshold that is shown to have `target_precision`.

        Raises ThresholdError when there is none, or when the model has no measured calibration.
        """
        if target_precision is None:
            return min_conf
        if self.calibration is None or not self.calibration.curve.total:
            raise ThresholdError(
                "--target-precision needs data/calibration.json of this model: run `dvc repro evaluate`"
            )
        found = self.calibration.threshold_for(target_precision)
        if math.isnan(found):
            raise ThresholdError(
                f"{self.calibration.curve.why_not(target_precision)}: ask for less, give val more images, or make the "
                "model better (`curate next` says which images to label)"
            )
        return found


def load(project: Project, table: Path | None = None, rev: str = "") -> Answers:
    """Read the answers of the workspace, of the file `table`, or of a git revision or experiment `rev`.

    Raises AnswersError when `table` does not exist.
    """
    if table is None:
        return _read(project, project.at(rev) if rev else project)
    if not table.exists():
        raise AnswersError(f"{table} does not exist: `curate identify FOLDER --out {table}` writes it")
    beside = table.with_suffix(".calibration.json")
    frame = tables.read(table, tables.IDENTIFIED)
    return Answers(frame, Calibration.read(beside) if beside.exists() else None, project, project)


def _read(project: Project, round_: Reader) -> Answers:
    frame = round_.table(tables.IDENTIFIED)
    known = round_.has(project.calibration)
    return Answers(frame, Calibration.read(round_.file(project.calibration)) if known else None, project, round_)
