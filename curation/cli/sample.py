"""`curate sample` writes real images to try the pipeline on; with --mess also the faults of real collections."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import say, show
from curation.cli.shared.waiting import WaitCommand, waits

if TYPE_CHECKING:
    from curation.project import Project


@app.command(cls=WaitCommand)
@waits
def sample(
    name: Annotated[
        str, typer.Argument(help="digits, fashion-mnist, or any torchvision classification set, such as cifar10.")
    ],
    *,
    count: Annotated[
        int | None, typer.Option(min=1, help="Number of images over all classes. The default is all.")
    ] = None,
    mess: Annotated[bool, typer.Option("--mess/--clean", help="Add faults, a pool and a benchmark set.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice of images and of their faults.")] = 0,
    round_: Annotated[
        int,
        typer.Option("--round", min=1, max=2, help="With --mess, round 2 adds images of the class that had too few."),
    ] = 1,
    folder: Annotated[Path | None, typer.Option("--from", help="A folder that holds the image set already.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files of an earlier sample.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write sample images as ordinary files into data/, in the layout that the pipeline reads.

    Use it to try the pipeline without images of your own. With --mess, the fault of each file is recorded in
    .cache/curation/sample_truth.csv, which no stage reads. Running it again changes nothing.

    Examples:
      curate sample digits --mess --seed 7
      curate sample fashion-mnist --count 10000
      curate sample fashion-mnist --from UNPACKED_DEBIAN_PACKAGE
      curate sample cifar10 --count 5000
    """
    from curation.project import Project
    from curation.project.parts import Part
    from curation.sample.write_sample import present, truth_path, write_sample

    project = Project.find_or_here()
    settings: dict[str, Any] = {"name": name, "count": count, "mess": mess, "seed": seed, "round": round_}
    with project.alone(Part.IMAGES):
        written = None if force else present(project.root, settings)
        if written is None:
            source = _source(project, name, folder)
            written = write_sample(project.root, source, _plan(project, source, settings), settings, force=force)
    facts = {"sample": name, "files": written.files, "new": written.new, **written.kinds}
    if as_json:
        show([{"what": key, "number": value} for key, value in facts.items()], as_json=True)
        return
    say(f"{name}: {written.files} files in data/, {written.new or 'none'} of them new")
    if written.kinds:
        say("kinds of files: " + ", ".join(f"{kind} {number}" for kind, number in sorted(written.kinds.items())))
        say(f"the kind of each file: {project.shown(truth_path(project.root))}")


def _plan(project: "Project", source: Any, settings: dict[str, Any]) -> Any:
    from curation.params import Params
    from curation.sample.mess_plan import Mess, plan_clean, plan_mess

    count, seed = settings["count"], settings["seed"]
    if not settings["mess"]:
        return plan_clean(source, count, seed)
    cutoff = (project.params() if project.params_file.exists() else Params()).cutoff
    return plan_mess(source, count, seed, Mess(cutoff.min, cutoff.max))


def _source(project: "Project", name: str, folder: Path | None) -> Any:
    """Find the image set: the digits come with scikit-learn, Fashion-MNIST with Debian, the others from torchvision."""
    from curation.sample import image_sources

    if name == "digits":
        return image_sources.digits()
    if name == "fashion-mnist" and (found := image_sources.find_fashion(folder)):
        return image_sources.fashion_mnist(found)
    from curation.sample.torchvision_sets import download

    return download(name, folder, project.cache("torchvision"))
