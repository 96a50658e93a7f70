"""`curate promote` makes the candidate the production model."""

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import say
from curation.cli.shared.registry_options import AsJson, Commit, Reason, print_outcome


@app.command()
def promote(
    force: bool = typer.Option(False, "--force", help="Promote although the gate objects. Needs --reason."),
    reason: Reason = "",
    commit: Commit = True,
    as_json: AsJson = False,
) -> None:
    """Make the candidate the production model and the base model of the next round.

    Use it at the end of a round. It refuses when the model gets worse on a benchmark, or when a class loses more recall
    than `promote.max_class_drop`.

    Example: curate promote
    """
    from curation.project import Project
    from curation.registry.promote import Choice
    from curation.registry.promote import promote as promote_candidate

    done = promote_candidate(Project.find(), Choice(force, reason, commit))
    if as_json:
        print_outcome(done)
        return
    for objection in done.gate.objections:
        say(f"Forced, although {objection}")
    say(f"{done.entry.version} is production: models/production.safetensors. Its model card is models/production.md.")
    for note in done.notes:
        say(note)
    say("base_model in params.yaml is this model now: the next `dvc repro` starts a new round from it.")
