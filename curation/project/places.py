"""Where everything of a project lies: the one module that spells a path such as data/raw or reports/metrics.json.

A project is the folder that holds dvc.yaml and params.yaml. It may be a whole git repository, a folder of one, or no
repository at all. The paths here are absolute, so that no command depends on its working directory; what is written
into a table or a log is relative to the project, see `Places.relative`.
"""

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


class ProjectError(CurationError):
    """There is no project, or it is not in a state in which the command can work."""


@dataclass(frozen=True)
class Places:
    """The paths of the project in the folder `root`; nothing is read, and nothing needs to exist."""

    root: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", self.root.resolve())

    @property
    def pipeline(self) -> Path:
        """dvc.yaml, the stages."""
        return self.root / PIPELINE

    @property
    def params_file(self) -> Path:
        """params.yaml, the settings."""
        return self.root / PARAMS

    @property
    def run_record(self) -> Path:
        """dvc.lock: what the last run of each stage read and wrote."""
        return self.root / "dvc.lock"

    @property
    def data(self) -> Path:
        """Images, tables and decisions."""
        return self.root / DATA

    @property
    def raw(self) -> Path:
        """The labelled images, one folder a class."""
        return self.root / RAW

    @property
    def unlabelled(self) -> Path:
        """The pool: images without a label."""
        return self.root / UNLABELLED

    @property
    def benchmark(self) -> Path:
        """The benchmark sets made by hand: one folder a set, in it one folder a class."""
        return self.data / "benchmark"

    @property
    def collected(self) -> Path:
        """The mark that stage collect leaves."""
        return self.data / ".collected"

    @property
    def reviews(self) -> Path:
        """The log of what people decided."""
        return self.root / REVIEWS

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
        """Checkpoints and what was promoted."""
        return self.root / "models"

    @property
    def backbone(self) -> Path:
        """The first base model, made by stage backbone."""
        return self.models / "backbone.safetensors"

    @property
    def weights(self) -> Path:
        """Local weights for `backbone.weights`, which git or DVC keeps."""
        return self.root / WEIGHTS

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
        """Its calibration."""
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
    def reports(self) -> Path:
        """What people look at: pages, plots, metrics."""
        return self.root / "reports"

    @property
    def metrics(self) -> Path:
        """The metrics of the round."""
        return self.reports / "metrics.json"

    @property
    def headline(self) -> Path:
        """The few of them that DVC compares."""
        return self.reports / "summary.json"

    @property
    def report_page(self) -> Path:
        """The round in pictures."""
        return self.reports / "report.html"

    @property
    def review_receipt(self) -> Path:
        """What there is to review, as stage review found it."""
        return self.reports / "review.json"

    @property
    def push_state(self) -> Path:
        """Whether FiftyOne of this machine has the queue, and why not; no other machine shares it."""
        return self.caches / "review" / "push.json"

    @cached_property
    def caches(self) -> Path:
        """The folder of all caches; it can be deleted at any time, and no result changes."""
        return self.root / ".cache" / "curation"

    @property
    def trash(self) -> Path:
        """What was purged from the pool."""
        return self.root / ".trash"

    def table_path(self, table: Table) -> Path:
        """Where the stage of `table` writes it."""
        return self.data / f"{table.name}.parquet"

    def report(self, name: str) -> Path:
        """The folder or file `name` of the reports, e.g. `evaluate`."""
        return self.reports / name

    def cache(self, name: str) -> Path:
        """The folder of one cache, e.g. `identify`."""
        return self.caches / name

    def relative(self, path: Path | str) -> str:
        """Give a path as tables and logs name it: from the project's root, with `/`. Paths outside stay as they are."""
        absolute = self.root / path
        return absolute.relative_to(self.root).as_posix() if absolute.is_relative_to(self.root) else str(path)

    def shown(self, path: Path | str) -> str:
        """Give a path of the project so that a person can use it in the working directory."""
        absolute = self.root / path
        return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)

    def typed(self, path: Path | str) -> str:
        """Give a path that a person typed in the working directory as tables and logs name it.

        A path from the project's root is understood from every folder, unless a file of that name lies in the
        working directory.
        """
        here = Path.cwd() / path
        return self.relative(here if here.exists() or not (self.root / path).exists() else path)
