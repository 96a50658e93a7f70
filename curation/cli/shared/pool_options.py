"""The options that all commands for the pool share (see `spread`), and the ways to deliver an answer.

Every answer can be a table, JSON, CSV, a page of pictures, a FiftyOne dataset, and a folder of copies.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curation.cli.shared.output import Rows, new_file, note, show
from curation.errors import CurationError

if TYPE_CHECKING:
    import pandas as pd

    from curation.pool.answers import Answers
    from curation.project import Project

AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON list.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write a CSV file.", metavar="FILE", callback=new_file)]
Html = Annotated[
    Path | None,
    typer.Option("--html", help="Write a page of pictures that opens from disk.", metavar="FILE", callback=new_file),
]
Push = Annotated[bool, typer.Option("--push", help="Push the images to FiftyOne, to look and decide.")]
CopyTo = Annotated[
    Path | None, typer.Option("--copy-to", help="Copy the files into one folder for each class.", metavar="DIR")
]
Limit = Annotated[int, typer.Option(help="Maximum number of images; 0 is all.", min=0)]
Table = Annotated[Path | None, typer.Option(help="Read a table that `curate identify` wrote.", metavar="FILE")]
Rev = Annotated[str, typer.Option(help="Read the tables of a git revision or DVC experiment.")]
OfClass = Annotated[str, typer.Option("--class", help="Only this class.")]
MinConf = Annotated[float, typer.Option(help="Lowest calibrated confidence.", min=0, max=1)]
MaxConf = Annotated[float, typer.Option(help="Only images with no class above this confidence.", min=0, max=1)]
MaxOodScore = Annotated[
    float, typer.Option(help="Leave out images with this OOD score or more; 1 keeps all.", min=0, max=1)
]
TargetPrecision = Annotated[
    float | None, typer.Option(help="Use the lowest threshold with this precision.", min=0, max=1)
]

COLUMNS = ["image_id", "path", "label", "confidence", "margin", "ood_score", "source", "near_duplicate_of"]
HIDDEN = {"image_id", "margin", "source", "near_duplicate_of"}


class WhereError(CurationError):
    """Both --table and --rev are given."""


@dataclass(frozen=True)
class Source:
    """The answers that a command reads: those of the workspace, of a file, or of a revision."""

    table: Table = None
    rev: Rev = ""

    def load(self) -> "Answers":
        """Read the answers. WhereError when both a table and a revision are given."""
        from curation.pool.answers import load
        from curation.project import Project

        if self.table and self.rev:
            raise WhereError(f"--table {self.table} and --rev {self.rev}: both choose a table; give only one of them")
        project = Project.find_or_here() if self.table else Project.find()  # a table needs no project
        return load(project, self.table, self.rev)


@dataclass(frozen=True)
class Outputs:
    """The places where an answer goes."""

    as_json: AsJson = False
    csv: Csv = None
    html: Html = None
    push: Push = False
    copy_to: CopyTo = None

    def deliver(
        self, frame: "pd.DataFrame", title: str, model: str, extra: tuple[str, ...] = (), limit: int = 0
    ) -> None:
        """Print, write, push and copy the rows of an answer: the first `limit` rows, or all with 0."""
        from curation.project import Project

        project = Project.find_or_here()
        rows = frame.head(limit) if limit else frame
        plain, told = records(rows, [*COLUMNS, *extra]), _title(title, rows, frame)
        show(plain, as_json=self.as_json, csv=self.csv, title=told, hidden=HIDDEN)
        if self.html:
            from curation.report.pool_page import write_page

            write_page(rows, self.html, title, project.root)
            note(f"pictures: {self.html}")
        if self.copy_to:
            from curation.pool.answer_copies import copy_named

            note(f"{copy_named(rows, self.copy_to, project.root):,} files copied to {self.copy_to}")
        if self.push:
            push(project, rows, title, model)


def say_expected(answers: "Answers", min_conf: float, max_ood_score: float = 0.95) -> None:
    """Print on stderr what is known of the precision of images with this confidence."""
    from curation.pool.precision.statement import statement

    for sentence in statement(answers, min_conf, max_ood_score):
        note(sentence)


def say_classes(answers: "Answers", min_conf: float, proposals: "pd.DataFrame") -> None:
    """Print on stderr the precision of each class that is proposed."""
    from curation.pool.precision.statement import of_classes

    for sentence in of_classes(answers, min_conf, proposals):
        note(sentence)


def push(project: "Project", rows: "pd.DataFrame", title: str, model: str) -> None:
    """Push an answer to FiftyOne as a dataset of its own; its name ends with the name of the question."""
    from curation.review import database
    from curation.review.push import push_rows

    note("Importing FiftyOne and starting its database, which can take a minute ...")
    fo = database.connect()
    to_name = title.split(maxsplit=1)[0]
    shown = rows.rename(columns={"label": "predicted"}).assign(label="", role="queue", kind=to_name)
    info = {"curation_model": model}
    with project.lock("queue"):
        name = database.dataset_name(fo, f"{project.params().review.dataset}-{to_name}", project.root)
        done = push_rows(fo, name, shown.drop(columns=["top_labels", "top_confidences"]), project.root, info)
    note(f"FiftyOne dataset {done.dataset}: {done.samples} samples, {done.added} new")


def records(frame: "pd.DataFrame", columns: list[str]) -> Rows:
    """Turn rows into plain values for JSON: NaN becomes None, and floats are rounded to 4 decimals."""
    present = [name for name in columns if name in frame.columns]
    return [
        dict(zip(present, map(_plain, row), strict=True)) for row in frame[present].itertuples(index=False, name=None)
    ]


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    return value


def _title(title: str, rows: "pd.DataFrame", frame: "pd.DataFrame") -> str:
    if not len(frame):
        return title
    return f"{title}: {len(rows):,} of {len(frame):,}" if len(rows) < len(frame) else f"{title}: {len(frame):,}"
