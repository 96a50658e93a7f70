"""`curate init --update` brings a project to the behaviour of the installed version of curation."""

from dataclasses import asdict
from typing import Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import print_json, say
from curation.cli.shared.waiting import WaitCommand, waits
from curation.errors import CurationError


class InitError(CurationError):
    """`curate init` can't do what it was asked for."""


@app.command(cls=WaitCommand, epilog="Example: curate init --update")
@waits
def init(
    update: Annotated[
        bool, typer.Option("--update", help="Write the behaviour versions of the installed library.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object: file, changed, again, after.")] = False,
) -> None:
    """Write the behaviour versions of the installed library to stages/behaviour.yaml, and say what will run again.

    Use it after an update of curation, when a command says that the versions differ. It changes nothing else and runs
    nothing: `dvc repro` does that. In JSON, `changed` is a list of stage, project and library, `again` names the stages
    that will run again, and `after` those that run again where what these write changes.
    """
    from curation.project import Project, behaviour_versions
    from curation.project.parts import Part
    from curation.project.stage_graph import followers, read_stages

    if not update:
        raise InitError("`curate init` makes no new project yet. To bring this one up to date: curate init --update")
    project = Project.find()
    root, stages = project.root, read_stages(project.root)
    with project.alone(Part.BEHAVIOUR):
        changed = behaviour_versions.write(root)
    again = [one.stage for one in changed if one.stage in stages]
    after = followers(stages, again)
    if as_json:
        changes = [asdict(one) for one in changed]
        print_json({"file": str(behaviour_versions.FILE), "changed": changes, "again": again, "after": after})
        return
    if not changed:
        say(f"{behaviour_versions.FILE} is up to date; nothing will run again")
        return
    say(f"{behaviour_versions.FILE} now says: {', '.join(map(str, changed))}")
    say(f"`dvc repro` will run again: {', '.join(again) or 'nothing'}")
    if after:
        say(f"and, where what they write changes: {', '.join(after)}")
