"""`curate review`: push the queue to FiftyOne, open it, bring decisions back, say what is left."""

import getpass
import os
from typing import Annotated

import typer

from curation.cli.shared.app import CurateGroup, app
from curation.cli.shared.output import note, say, show

review = typer.Typer(cls=CurateGroup, help="Review the queue in the FiftyOne App.", no_args_is_help=True)
app.add_typer(review, name="review")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Port = Annotated[int, typer.Option(help="Port of the App, on 127.0.0.1.", min=1, max=65535)]
NewClass = Annotated[bool, typer.Option("--new-class", help="Let a relabel name a class that does not exist yet.")]
Reviewer = Annotated[str, typer.Option(help="Who decides; git's user.name when left out.", envvar="CURATION_REVIEWER")]


CONNECTING = "Importing FiftyOne and starting its database, which can take a minute ..."
READING = f"Reading the review queue. {CONNECTING}"


@review.command()
def push(as_json: AsJson = False) -> None:
    """Push the review queue to FiftyOne; pushing twice changes nothing.

    Example: curate review push
    """
    from curation.project import Project
    from curation.review.project_queue import push_project

    note(READING)
    project = Project.find()
    pushed, _ = push_project(project, project.params())
    row = {"dataset": pushed.dataset, "samples": pushed.samples, "added": pushed.added}
    show([{**row, "refreshed": pushed.refreshed, "removed": pushed.removed}], as_json=as_json)


@review.command("open")
def open_app(port: Port = 5151, reviewer: Reviewer = "") -> None:
    """Serve the queue in the FiftyOne App until Ctrl-C; pushes first when it is behind.

    Example: curate review open --port 5151
    """
    from curation.project import Project
    from curation.review import app as server
    from curation.review.project_queue import push_project

    note(READING)
    project = Project.find()
    os.environ["CURATION_REVIEWER"] = reviewer or _me()
    pushed, _ = push_project(project, project.params())
    note(f"{pushed.samples} images in the dataset {pushed.dataset}. Starting the App ...")
    service = server.serve(port)
    say(f"review in the browser: {server.page(port, pushed.dataset, 'to-review')}   (Ctrl-C ends)")
    try:
        service.wait()
    except KeyboardInterrupt:
        service.stop()


@review.command()
def pull(new_class: NewClass = False, reviewer: Reviewer = "", as_json: AsJson = False) -> None:
    """Bring decisions tagged in the App into data/reviews.csv, once each.

    Example: curate review pull
    """
    from curation.project import Project
    from curation.review.project_queue import pull_project

    note(CONNECTING)
    done = pull_project(Project.find(), reviewer or _me(), new_class)
    for image_id, reason in sorted(done.held_back.items()):
        note(f"left in the App: {image_id}: {reason}")
    show(done.rows, as_json=as_json, title="new rows in data/reviews.csv")


@review.command()
def status(as_json: AsJson = False) -> None:
    """Say what is left of the queue, by kind.

    Example: curate review status --json
    """
    from curation.project import Project
    from curation.review.project_queue import read_queue
    from curation.review.queue_status import progress

    project = Project.find()
    show(progress(read_queue(project, project.params().review.limit)), as_json=as_json, title="review queue")


def _me() -> str:
    """Git's user.name, or the login."""
    from curation.project import Project

    return Project.find_or_here().git.run("config", "user.name") or getpass.getuser()
