"""`curate tune` searches for better training parameters."""

import enum
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import print_json, say
from curation.cli.shared.training_inputs import AsJson
from curation.cli.shared.waiting import WaitCommand, waits

if TYPE_CHECKING:
    from curation.project import Project


class Sampler(enum.StrEnum):
    """The way in which Optuna proposes trials."""

    TPE = "tpe"
    RANDOM = "random"
    GRID = "grid"


@app.command("tune", cls=WaitCommand, epilog="Example: curate tune --trials 20 --sampler tpe")
@waits
def tune_command(
    trials: Annotated[int, typer.Option(help="Number of trials of the study, finished or stopped early.", min=1)] = 20,
    sampler: Annotated[Sampler, typer.Option(help="The way in which trials are proposed.")] = Sampler.TPE,
    seed: Annotated[int, typer.Option(help="Seed of the proposals.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Search the space `tune.space` of params.yaml for better training parameters. Each trial is a DVC experiment.

    Use it when the data is good and the accuracy should still rise. A bad trial is stopped early. Run the command again
    after a kill, or with more trials, and it continues the same study. It needs the extra `tune`.
    """
    from curation.evaluation.uncertainty import best_of
    from curation.project import Project
    from curation.project.parts import Part
    from curation.tuning.search import search

    project = Project.find()
    with project.alone(Part.SEARCH):
        best = search(project.params().tune, project, trials=trials, sampler=sampler.value, seed=seed)
    apply = f"dvc exp apply {best.experiment}"
    size = _groups_of_val(project)
    most = best_of.optimism(best.measured, size)
    if as_json:
        facts = {name: value for name, value in vars(best).items() if name != "measured"}
        chosen = {"chosen_on": "val", "results": len(best.measured), "val_groups": size, "optimism": most}
        print_json({**facts, **chosen, "apply": apply})
        return
    found = ", ".join(f"{key}={value}" for key, value in best.params.items())
    say(f"best of {best.finished} finished trials ({best.pruned} stopped early): {best.value:.4f} with {found}")
    if best.measured:
        said = best_of.in_words(best.measured, size, "epochs of all trials")
        say(f"this is no estimate for new images: {said}")
    say(apply)


def _groups_of_val(project: "Project") -> int:
    """The number of leak groups in val."""
    from curation import tables
    from curation.evaluation.prediction_facts import groups_of
    from curation.tables.codes import Split

    splits = project.table(tables.SPLITS, ["split", "leak_group"])
    return len(set(groups_of(splits[splits["split"] == Split.VAL]).tolist()))
