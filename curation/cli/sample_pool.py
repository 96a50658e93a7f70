"""`curate sample-pool` draws images of the pool uniformly at random."""

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import note
from curation.cli.shared.pool_options import Outputs
from curation.cli.shared.reviewer import Reviewer, me
from curation.cli.shared.spread import spread

if TYPE_CHECKING:
    import pandas as pd

    from curation.pool.uniform_sample import PoolSample
    from curation.project import Project

Count = Annotated[int, typer.Option("-n", "--count", help="How many images.", min=1)]
Seed = Annotated[int, typer.Option(help="Another seed draws another sample.", min=0)]
Open = Annotated[
    bool, typer.Option("--open", help="Draw nothing; list the images that were drawn and are not labelled yet.")
]


@app.command("sample-pool")
@spread
def sample_pool(
    *,
    count: Count = 100,
    seed: Seed = 0,
    only_open: Open = False,
    reviewer: Reviewer = "",
    to: Outputs,
) -> None:
    """Draw images of the pool uniformly at random, to label them for val and test, and record that they were drawn.

    Use it in each round before you accept what a model proposed: images that a model chose are only trained on, and a
    uniform sample shows what the pool holds. Images that somebody has labelled are left out, copies count once, and a
    further call draws further images. The row `sampled:uniform` in data/reviews.csv records each image.

    Example: curate sample-pool -n 100 --csv sample.csv --push; curate label accept sample.csv --pull sample-pool
    """
    from curation import tables
    from curation.decisions.log import read_reviews
    from curation.pool import uniform_sample
    from curation.project import Project

    project = Project.find()
    images = project.table(tables.IMAGES, ["image_id", "path", "source", "label", "error"])
    reviews = read_reviews(project.reviews)
    if only_open:
        to.deliver(_blind(uniform_sample.drawn_and_open(images, reviews)), "sample-pool", "")
        return
    duplicates = project.table(tables.DUPLICATES, ["image_id", "keeper"])
    found = uniform_sample.sample_pool(images, duplicates, reviews, count, seed)
    _record(project, found, seed, reviewer)
    to.deliver(_blind(found.rows), "sample-pool", "")
    _say(found, count)


def _record(project: "Project", found: "PoolSample", seed: int, reviewer: str) -> None:
    from curation.labelling.accept import Stamp, record
    from curation.labelling.sampled_rows import rows_of_drawn

    about = f"{len(found.rows)} of {found.pictures} pictures of the pool, seed {seed}"
    record(rows_of_drawn(found.rows["image_id"], Stamp(reviewer or me(), ""), about), project.reviews)


def _blind(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Rows without what a model says of them, so that nobody labels a test image by it."""
    import pandas as pd

    nothing = pd.Series([() for _ in range(len(rows))], index=rows.index, dtype=object)
    plain = rows.assign(label="", near_duplicate_of="", top_labels=nothing, top_confidences=nothing)
    return plain.assign(**dict.fromkeys(("confidence", "margin", "ood_score"), float("nan")))


def _say(found: "PoolSample", count: int) -> None:
    if len(found.rows) < count:
        note(f"the pool has only {found.pictures:,} pictures that are not labelled or drawn yet")
    if found.chosen_before:
        note(
            f"{found.chosen_before:,} images of the pool were labelled by other choices before: the sample speaks of "
            "the pool that is left"
        )
    note("recorded in data/reviews.csv; `curate sample-pool --open` lists what is not labelled yet")
