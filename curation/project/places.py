"""The paths of a project. Only this module spells a path such as data/raw or reports/metrics.json.

A project is the folder that holds dvc.yaml and params.yaml. It may be a whole git repository, a folder of one, or no
repository at all. The paths are absolute, so that no command depends on its working directory. Paths in tables and logs
are relative to the project; see `Places.relative`.
"""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from curation.errors import CurationError
from curation.tables import Table

PIPELINE, PARAMS = "dvc.yaml", "params.yaml"
# From the root, as tables, settings, logs and messages name them:
DATA = "data"
RAW, UNLABELLED, REVIEWS = "data/raw", "data/unlabelled", "data/reviews.csv"
WEIGHTS = "models/weights"
DESCRIPTORS = "models/descriptors"
REPORTS = "reports"


class ProjectError(CurationError):
    """There is no project, or its state does not allow the command."""


@dataclass(frozen=True)
class Places:
    """The paths of the project in the folder `root`. Nothing is read, and nothing needs to exist."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.resolve())

    @property
    def pipeline(self) -> Path:
        """dvc.yaml, the definition of the stages."""
        return self.root / PIPELINE

    @property
    def params_file(self) -> Path:
        """params.yaml, the parameters."""
        return self.root / PARAMS

    @property
    def run_record(self) -> Path:
        """dvc.lock: what the last run of each stage read and wrote."""
        return self.root / "dvc.lock"

    @property
    def data(self) -> Path:
        """The folder of images, tables and decisions."""
        return self.root / DATA

    @property
    def raw(self) -> Path:
        """The labelled images, one folder for each class."""
        return self.root / RAW

    @property
    def unlabelled(self) -> Path:
        """The pool: images without a label."""
        return self.root / UNLABELLED

    @property
    def benchmark(self) -> Path:
        """The hand-made benchmark sets: one folder for each set, and in it one folder for each class."""
        return self.data / "benchmark"

    @property
    def collected(self) -> Path:
        """The file that the stage `collect` writes."""
        return self.data / ".collected"

    @property
    def reviews(self) -> Path:
        """The log of human decisions."""
        return self.root / REVIEWS

    @property
    def audits(self) -> Path:
        """The random samples of proposals that people audited, and the results."""
        return self.data / "audits.json"

    @property
    def benchmark_renewals(self) -> Path:
        """The log of renewals of the benchmark."""
        return self.data / "benchmark_renewals.csv"

    @property
    def calibration(self) -> Path:
        """The calibration of the candidate."""
        return self.data / "calibration.json"

    @property
    def pixels(self) -> Path:
        """The pixel store: every image of the splits at the size of training."""
        return self.data / "pixels"

    @property
    def models(self) -> Path:
        """The folder of checkpoints and promoted models."""
        return self.root / "models"

    @property
    def backbone(self) -> Path:
        """The first base model, which the stage `backbone` makes."""
        return self.models / "backbone.safetensors"

    @property
    def weights(self) -> Path:
        """Local weights for `backbone.weights`, tracked by git or DVC."""
        return self.root / WEIGHTS

    @property
    def descriptors(self) -> Path:
        """Models for `dedupe.descriptor`, tracked by git or DVC."""
        return self.root / DESCRIPTORS

    @property
    def candidate(self) -> Path:
        """The model of this round."""
        return self.models / "candidate.safetensors"

    @property
    def production(self) -> Path:
        """The model that was promoted last."""
        return self.models / "production.safetensors"

    @property
    def production_calibration(self) -> Path:
        """The calibration of production."""
        return self.models / "production.calibration.json"

    @property
    def production_record(self) -> Path:
        """The facts of the last promotion."""
        return self.models / "production.json"

    @property
    def model_card(self) -> Path:
        """The model card of production."""
        return self.models / "production.md"

    @property
    def versions(self) -> Path:
        """The log of promotions and rollbacks."""
        return self.models / "versions.jsonl"

    @property
    def refusals(self) -> Path:
        """The log of candidates that the gate refused."""
        return self.models / "refused.jsonl"

    @property
    def reports(self) -> Path:
        """The folder of pages, plots and metrics."""
        return self.root / REPORTS

    @property
    def metrics(self) -> Path:
        """The metrics of the round."""
        return self.reports / "metrics.json"

    @property
    def headline(self) -> Path:
        """The main metrics, which DVC compares."""
        return self.reports / "summary.json"

    @property
    def report_page(self) -> Path:
        """The HTML report of the round."""
        return self.reports / "report.html"

    @property
    def review_receipt(self) -> Path:
        """What there is to review, as the stage `review` found it."""
        return self.reports / "review.json"

    @property
    def push_state(self) -> Path:
        """Whether FiftyOne on this machine has the queue, and if not, why. Other machines do not share it."""
        return self.caches / "review" / "push.json"

    @cached_property
    def caches(self) -> Path:
        """The folder of all caches. It can be deleted at any time without changing a result."""
        return self.root / ".cache" / "curation"

    @property
    def transaction(self) -> Path:
        """The folder of the journal of changes to several files. It is empty unless a command is at work."""
        return self.root / ".cache" / "transaction"

    @property
    def trash(self) -> Path:
        """The folder of images that were purged from the pool."""
        return self.root / ".trash"

    def table_path(self, table: Table) -> Path:
        """Return the path where the stage of `table` writes it."""
        return self.data / f"{table.name}.parquet"

    def report(self, name: str) -> Path:
        """Return the path of the file or folder `name` in the reports, such as `evaluate`."""
        return self.reports / name

    def cache(self, name: str) -> Path:
        """Return the folder of one cache, such as `identify`."""
        return self.caches / name

    def relative(self, path: Path | str) -> str:
        """Return a path as tables and logs name it: from the root of the project, with `/`.

        A path outside the project is returned unchanged.
        """
        absolute = self.root / path
        return absolute.relative_to(self.root).as_posix() if absolute.is_relative_to(self.root) else str(path)

    def shown(self, path: Path | str) -> str:
        """Return a path of the project as a person can use it in the working directory."""
        absolute = self.root / path
        return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)

    def typed(self, path: Path | str) -> str:
        """Return a path that a person typed in the working directory, as tables and logs name it.

        A path from the root of the project is understood in every folder, unless a file with that name exists in the
        working directory.
        """
        here = Path(os.path.normpath(Path.cwd() / path))  # `..` is taken out as a person means it
        return self.relative(here if here.exists() or not (self.root / path).exists() else path)
