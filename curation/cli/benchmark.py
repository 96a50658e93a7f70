"""`curate benchmark` says how often the benchmark was used, and renews a part of it."""

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.app import CurateGroup, app
from curation.cli.shared.output import note, print_json, say, show
from curation.cli.shared.waiting import WaitCommand, waits

if TYPE_CHECKING:
    from curation.registry.renew import Renewal

benchmark = typer.Typer(
    cls=CurateGroup, help="Say how often the benchmark was used, and renew it.", no_args_is_help=True
)
app.add_typer(benchmark, name="benchmark")

Share = Annotated[float, typer.Option("--share", help="The share of each class that is retired.", min=0.01, max=1)]
Yes = Annotated[bool, typer.Option("--yes", help="Write the moves. Without it nothing is changed.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take the last renewal back.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print a JSON object: renewal, retired, drawn, written, classes, moves.")
]


@benchmark.command(epilog="Example: curate benchmark status --json")
def status(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list, one object a set.")] = False
) -> None:
    """Say how many candidates each benchmark set has judged, and how much too good the best of so many looks.

    Use it to decide when to renew the benchmark. A candidate counts once, whether it was promoted or refused.
    `optimism` is an accuracy, 0 to 1: by so much the best of as many equally good models looks better than it is.
    """
    import json

    from curation.project import Project
    from curation.registry.benchmark_use import uses

    project = Project.find()
    metrics = json.loads(project.metrics.read_text(encoding="utf-8")) if project.metrics.exists() else {}
    show([use.as_dict() for use in uses(project, metrics)], as_json=as_json, title="use of the benchmark")


@benchmark.command(
    cls=WaitCommand, epilog="Examples: curate benchmark renew --share 0.5; curate benchmark renew --share 0.5 --yes"
)
@waits
def renew(*, share: Share = 0.5, yes: Yes = False, undo: Undo = False, as_json: AsJson = False) -> None:
    """Retire a part of the drawn benchmark, and draw as many fresh images from test. Without --yes it only says what.

    Use it when a benchmark has judged many candidates: the best of many is partly the luckiest. Retired images go to
    test, and test images that never were in a benchmark take their place. No model was trained on any of them, and none
    will be. The moves are added to data/benchmark_renewals.csv, and the next `dvc repro` obeys them. Hand-made sets in
    data/benchmark stay as they are.
    """
    from curation.project import Project
    from curation.registry import renew as registry

    project = Project.find()
    done = registry.take_back(project, write=yes) if undo else registry.renew(project, share, write=yes)
    if as_json:
        print_json(_numbers(done))
        return
    if len(done.classes):
        rows = [{str(key): value for key, value in row.items()} for row in done.classes.to_dict("records")]
        show(rows, title="images of every class in the drawn benchmark")
    numbers = _numbers(done)
    say(
        f"{numbers['retired']:,} images go from the benchmark to test, {numbers['drawn']:,} from test to the benchmark."
    )
    if len(done.classes) and (short := int((done.classes["wanted"] - done.classes["retired"]).sum())) > 0:
        say(f"{short:,} more should have been retired, but test has no image that could take their place.")
    log = project.relative(project.benchmark_renewals)
    if yes:
        note(f"written to {log}; run `dvc repro`, and commit it. `curate benchmark renew --undo --yes` takes it back")
    else:
        note("a dry run: nothing was changed. With --yes the moves are written")


def _numbers(done: "Renewal") -> dict[str, object]:
    from curation.tables.codes import Split

    return {
        "renewal": done.number,
        "retired": done.count(Split.TEST),
        "drawn": done.count(Split.BENCHMARK),
        "written": done.written,
        "classes": done.classes.to_dict("records"),
        "moves": dict(sorted(done.moves.items())),
    }
