"""`curate next` chooses which images to label next."""

from collections.abc import Sequence
from typing import Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.pool_options import Outputs, Source
from curation.cli.shared.spread import spread
from curation.errors import CurationError

Count = Annotated[int, typer.Option("-n", "--count", help="How many images.", min=1)]
Strategy = Annotated[
    str, typer.Option(help="The strategy: auto, entropy, margin, kcenter, badge, typicality, random, or seed.")
]
Wants = Annotated[
    list[str] | None, typer.Option("--want", help="Choose N images that may show the class.", metavar="CLASS=N")
]
Seed = Annotated[int, typer.Option(help="Seed of the random choices.", min=0)]


class WantError(CurationError):
    """The value of --want is not CLASS=N."""


@app.command("next")
@spread
def next_images(
    *,
    count: Count = 100,
    strategy: Strategy = "auto",
    want: Wants = None,
    seed: Seed = 0,
    source: Source,
    to: Outputs,
) -> None:
    """Choose the images of the pool that are most useful to label next. Two near-duplicates are never chosen together.

    Use it when there is more to label than time. The strategy `auto` is typicality when there are few labels, and
    margin later. The strategy `seed` needs no model: it chooses the first images to label from their thumbnails.

    Example: curate next -n 100 --want gazelle=20 --csv picks.csv --push
    """
    if strategy == "seed":
        _seed(count, seed, to)
        return
    from curation.pool.next_to_label import propose
    from curation.pool.questions import check_class

    answers, wants = source.load().still_open(), _wants(want or [])
    for label in wants:
        check_class(label, answers.table, answers.classes)
    found = propose(answers.table, answers.predictions(), count, strategy, wants, seed)
    to.deliver(found, "next", answers.model, ("entropy", "strategy", "wanted_for"))


def _seed(count: int, seed: int, to: Outputs) -> None:
    import pandas as pd

    from curation import tables
    from curation.pool.next_to_label import seed_images
    from curation.project import Project

    columns = ["image_id", "path", "source", "error", "thumbnail"]
    project = Project.find()
    images = project.table(tables.IMAGES, columns)
    duplicates = project.table(tables.DUPLICATES, ["image_id", "leak_group"])
    found = seed_images(images, duplicates, count, seed).drop(columns="thumbnail")
    for column in ("confidence", "margin", "ood_score"):
        found[column] = float("nan")
    found["label"], found["near_duplicate_of"] = "", ""
    found["top_labels"] = found["top_confidences"] = pd.Series([[] for _ in range(len(found))], dtype=object)
    to.deliver(found, "next", "", ("strategy",))


def _wants(texts: Sequence[str]) -> dict[str, int]:
    wants = {}
    for text in texts:
        label, _, number = text.rpartition("=")
        if not label or not number.isdigit():
            raise WantError(f"--want {text}: expected CLASS=N, such as --want gazelle=20")
        wants[label] = int(number)
    return wants
