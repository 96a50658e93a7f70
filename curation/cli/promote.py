"""`curate promote` makes the candidate the production model."""

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import say
from curation.cli.shared.registry_options import AsJson, Commit, Reason, print_outcome
from curation.cli.shared.waiting import WaitCommand, waits


@app.command(cls=WaitCommand)
@waits
def promote(
    force: bool = typer.Option(False, "--force", help="Promote although the gate objects. Needs --reason."),
    accept_unknown: bool = typer.Option(
        False, "--accept-unknown", help="Promote although too few benchmark images tell whether it is worse."
    ),
    reason: Reason = "",
    commit: Commit = True,
    as_json: AsJson = False,
) -> None:
    """Make the candidate the production model and the base model of the next round.

    Use it at the end of a round. It refuses when the model is shown to be worse than production, on all benchmark
    images, on one set or on one class; and when too few images tell whether it lost more than `promote.margin`.

    Example: curate promote
    """
    from curation.project import Project
    from curation.registry.gate_check import Choice
    from curation.registry.promote import promote as promote_candidate

    done = promote_candidate(Project.find(), Choice(force, reason, commit, accept_unknown))
    if as_json:
        print_outcome(done)
        return
    for objection in done.gate.objections:
        say(f"Forced, although {objection}")
    for words in (*done.gate.unknown, *done.gate.notes):
        say(words[0].upper() + words[1:])
    say(f"{done.entry.version} is production: models/production.safetensors. Its model card is models/production.md.")
    for note in done.notes:
        say(note)
    say("base_model in params.yaml is this model now: the next `dvc repro` starts a new round from it.")
