"""Read the results of a round when a page asks for them. A result that does not exist is not reported.

Only the columns that the report uses are read, never an embedding, a hash or a thumbnail.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from curation import tables
from curation.model.header import CheckpointError, Header, read_header
from curation.params import Params
from curation.pool.precision import audits
from curation.pool.precision.audits import Audit, AuditError
from curation.predict.calibration import Calibration, CalibrationError
from curation.project import Project
from curation.registry.versions import Entry, read_log
from curation.report.thumbnails import Tile
from curation.tables.names_as_data import NAMES, read_csv

HEAVY = {"hash", "thumbnail", "embedding", "map_x", "map_y", "nearest_correct"}


@dataclass(frozen=True)
class Round:
    """The round of a project. Each table is a frame, or None when its stage has not run."""

    project: Project

    @cached_property
    def images(self) -> pd.DataFrame | None:
        """IMAGES without hashes and thumbnails."""
        return self._table(tables.IMAGES)

    @cached_property
    def duplicates(self) -> pd.DataFrame | None:
        """DUPLICATES."""
        return self._table(tables.DUPLICATES)

    @cached_property
    def selection(self) -> pd.DataFrame | None:
        """SELECTION."""
        return self._table(tables.SELECTION)

    @cached_property
    def splits(self) -> pd.DataFrame | None:
        """SPLITS."""
        return self._table(tables.SPLITS)

    @cached_property
    def predictions(self) -> pd.DataFrame | None:
        """PREDICTIONS without embeddings."""
        return self._table(tables.PREDICTIONS)

    @cached_property
    def errors(self) -> pd.DataFrame | None:
        """ERRORS, in the order of the queue."""
        frame = self._table(tables.ERRORS)
        return None if frame is None else frame.sort_values(["rank", "image_id"], kind="stable", ignore_index=True)

    @cached_property
    def identified(self) -> pd.DataFrame | None:
        """IDENTIFIED without embeddings and without unreadable images."""
        frame = self._table(tables.IDENTIFIED)
        return None if frame is None else frame[frame["error"] == ""].reset_index(drop=True)

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        """reports/metrics.json, or {}."""
        path = self.project.metrics
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    @cached_property
    def versions(self) -> list[Entry]:
        """The log of promotions and rollbacks."""
        return read_log(self.project)

    @cached_property
    def params(self) -> Params:
        """params.yaml, or the defaults."""
        return self.project.params() if self.project.params_file.exists() else Params()

    @cached_property
    def header(self) -> Header | None:
        """The header of the candidate."""
        try:
            return read_header(self.project.candidate)
        except CheckpointError:
            return None

    @cached_property
    def calibration(self) -> Calibration | None:
        """The calibration of the candidate."""
        try:
            return Calibration.read(self.project.calibration)
        except CalibrationError:
            return None

    @cached_property
    def audits(self) -> list[Audit]:
        """The audits of the candidate's proposals, with the counts that `curate audit unknowns --result` stored."""
        try:
            found = audits.read(self.project.audits)
        except AuditError:
            return []
        return [one for one in found if self.calibration is not None and one.model == self.calibration.model]

    @cached_property
    def paths(self) -> Mapping[str, str]:
        """image_id -> path of its file."""
        if self.images is None:
            return {}
        return dict(zip(self.images["image_id"], self.images["path"], strict=True))

    def csv(self, path: str) -> pd.DataFrame | None:
        """Read a small CSV file in reports/; None when it is missing or has no rows."""
        file = self.project.report(path)
        if not file.exists():
            return None
        names = (*NAMES, "predicted") if path == "evaluate/confusion.csv" else NAMES  # in other files it is a number
        frame = read_csv(file, names, na_values=["nan", ""] if path.startswith("train/") else None)
        return frame if len(frame) else None

    def tile(self, image_id: str, caption: str, badge: str = "") -> Tile:
        """Return the thumbnail of an image."""
        return Tile(self.project.root / self.paths.get(image_id, "missing"), caption, badge)

    def tile_rows(self, frame: pd.DataFrame, caption: str) -> list[Tile]:
        """Return thumbnails of the rows of a table; `caption` is a template over their columns."""
        return [self.tile(row["image_id"], caption.format_map(row)) for row in frame.to_dict("records")]

    def _table(self, table: tables.Table) -> pd.DataFrame | None:
        if not self.project.table_path(table).exists():
            return None
        return self.project.table(table, [name for name in table.columns if name not in HEAVY])
