"""`curate promote`, `curate rollback`, `curate versions`: what is production, and what was."""

from pathlib import Path

import typer

from curation.cli.app import app
from curation.cli.output import show

REASON = typer.Option("", "--reason", help="Why, in words; kept in the log and the model card.")
COMMIT = typer.Option(
    True, "--commit/--no-commit", help="Commit and tag the version, when nothing else is uncommitted."
)


@app.command()
def promote(
    force: bool = typer.Option(False, "--force", help="Promote although the benchmark says no; needs --reason."),
    reason: str = REASON,
    commit: bool = COMMIT,
) -> None:
    """Make the candidate production, and the start of the next round.

    Refuses when a benchmark gets worse or a class loses more than `promote.max_class_drop`.

    Example: curate promote
    """
    from curation.project import Project
    from curation.registry.promote import Choice
    from curation.registry.promote import promote as promote_candidate

    done = promote_candidate(Project.find(), Choice(force, reason, commit))
    for objection in done.gate.objections:
        typer.echo(f"Forced, although {objection}")
    typer.echo(f"{done.entry.version} is production: models/production.safetensors, and models/production.md about it.")
    for note in done.notes:
        typer.echo(note)
    typer.echo("base_model in params.yaml is this model now: the next `dvc repro` starts a new round from it.")


@app.command()
def rollback(
    version: str = typer.Argument("", help="A version of `curate versions`; the one before the present when left out."),
    reason: str = REASON,
    commit: bool = COMMIT,
) -> None:
    """Return to the version that was production before.

    Example: curate rollback --reason "dogs are taken for wolves"
    """
    from curation.project import Project
    from curation.registry.promote import Choice
    from curation.registry.promote import rollback as roll_back

    done = roll_back(Project.find(), version or None, Choice(reason=reason, commit=commit))
    typer.echo(f"{done.entry.version} is production again.")
    for note in done.notes:
        typer.echo(note)


@app.command()
def versions(
    register: bool = typer.Option(False, "--register", help="Tag the present version on the last commit, as GTO does."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    csv: Path | None = typer.Option(None, "--csv", help="Write a CSV file as well."),
) -> None:
    """List what was promoted and rolled back, newest first.

    Example: curate versions --json
    """
    from curation.project import Project
    from curation.registry.versions import listed, read_log

    project = Project.find()
    log = read_log(project)
    if register and log:
        from curation.registry.register import tag

        for note in tag(project, log[-1]):
            typer.echo(note, err=True)
    show(listed(log), as_json=as_json, csv=csv, title="versions")
