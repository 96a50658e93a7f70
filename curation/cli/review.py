"""`curate review` pushes the review queue to FiftyOne, opens it, pulls the decisions, and counts what is left."""

import os
from typing import Annotated

import typer

from curation.cli.shared.app import CurateGroup, app
from curation.cli.shared.output import note, say, show
from curation.cli.shared.reviewer import Reviewer, me

review = typer.Typer(cls=CurateGroup, help="Review the queue in the FiftyOne App.", no_args_is_help=True)
app.add_typer(review, name="review")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Port = Annotated[int, typer.Option(help="Port of the App.", min=1, max=65535)]
ADDRESS = "127.0.0.1"
Share = Annotated[str, typer.Option(help="Serve on this address of the machine, so that others reach it.")]
NewClass = Annotated[bool, typer.Option("--new-class", help="Allow a relabel to a class that does not exist yet.")]


SHARED = (
    "Whoever reaches {} and has the whole address below can review. It is plain HTTP: share it in a network that you "
    "trust, or through an SSH tunnel."
)
CONNECTING = "Importing FiftyOne and starting its database, which can take a minute ..."
READING = f"Reading the review queue. {CONNECTING}"


@review.command()
def push(as_json: AsJson = False) -> None:
    """Push the review queue to FiftyOne. Pushing it twice changes nothing.

    Use it when you open the App in another way; `curate review open` pushes the queue itself.

    Example: curate review push
    """
    from curation.project import Project
    from curation.review.project_queue import push_project

    project = Project.find()
    note(READING)
    pushed, _ = push_project(project, project.params())
    row = {"dataset": pushed.dataset, "samples": pushed.samples, "added": pushed.added}
    show([{**row, "refreshed": pushed.refreshed, "removed": pushed.removed}], as_json=as_json)


@review.command("open")
def open_app(port: Port = 5151, share: Share = ADDRESS, reviewer: Reviewer = "") -> None:
    """Serve the review queue in the FiftyOne App until Ctrl-C. It is pushed first when it has changed.

    Use it to review errors, doubtful answers and wrong labels in the browser. The printed address holds the token of
    this session; nobody without it, and no other web page, reaches the App. `--share` serves it to other machines.

    Example: curate review open --port 5151
    Example: curate review open --share 192.168.1.5
    """
    from curation.evaluation.queue.blind_review import BLIND
    from curation.project import Project
    from curation.review import app as server
    from curation.review.project_queue import push_project

    project = Project.find()
    note(READING)
    os.environ["CURATION_REVIEWER"] = reviewer or me()
    pushed, rows = push_project(project, project.params())
    note(f"{pushed.samples} images in the dataset {pushed.dataset}. Starting the App ...")
    if blind := int((rows["kind"] == BLIND).sum()):
        note(f"{blind} held-out images are in the view `{BLIND}`: without the model's answer (`review.blind`)")
    serving = server.serve(port, pushed.dataset, share)
    if share != ADDRESS:
        note(SHARED.format(share))
    say(f"review in the browser: {serving.page('to-review')}   (Ctrl-C ends)")
    try:
        serving.service.wait()
    except KeyboardInterrupt:
        serving.service.stop()


@review.command()
def pull(new_class: NewClass = False, reviewer: Reviewer = "", as_json: AsJson = False) -> None:
    """Add the decisions that were tagged in the App to data/reviews.csv, each once.

    Use it after you set tags by hand. The keys of the App write their decisions at once and need no pull.

    Example: curate review pull
    """
    from curation.project import Project
    from curation.review.project_queue import pull_project

    project = Project.find()
    note(CONNECTING)
    done = pull_project(project, reviewer or me(), new_class)
    for image_id, reason in sorted(done.held_back.items()):
        note(f"left in the App: {image_id}: {reason}")
    show(done.rows, as_json=as_json, title="new rows in data/reviews.csv")


@review.command()
def status(as_json: AsJson = False) -> None:
    """Show how many images of the queue are decided and how many are left, by kind.

    Use it to see how much work a review still needs. It does not start FiftyOne.

    Example: curate review status --json
    """
    from curation import tables
    from curation.project import Project
    from curation.review.project_queue import read_queue
    from curation.review.queue_status import progress
    from curation.selection.copies import losses

    project = Project.find()
    show(progress(read_queue(project, project.params().review)), as_json=as_json, title="review queue")
    if project.table_path(tables.SELECTION).exists():
        for warning in losses.of_benchmark(project.table(tables.SELECTION)):
            note(str(warning))
