"""`curate sample`: real images to try the pipeline on, and the mess that real collections have."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import say, show

if TYPE_CHECKING:
    from curation.project import Project


@app.command()
def sample(
    name: Annotated[
        str, typer.Argument(help="digits, fashion-mnist, or any torchvision classification set, e.g. cifar10")
    ],
    *,
    count: Annotated[
        int | None, typer.Option(min=1, help="images taken, evenly over the classes; all of them without it")
    ] = None,
    mess: Annotated[
        bool, typer.Option("--mess/--clean", help="plant twins, wrong labels, broken files, a pool, a benchmark set")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="decides which images are drawn and what is planted where")] = 0,
    round_: Annotated[
        int, typer.Option("--round", min=1, max=2, help="2 adds, to --mess, the images of the thin class")
    ] = 1,
    folder: Annotated[Path | None, typer.Option("--from", help="a folder that holds the set already")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="replace an earlier sample; files that no sample wrote stay")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the summary as JSON")] = False,
) -> None:
    """Write sample images as ordinary files into data/, in the layout that the pipeline reads.

    What --mess plants is recorded in .cache/curation/sample_truth.csv, which no stage reads.
    Running it again changes nothing.

    Examples:
      curate sample digits --mess --seed 7
      curate sample fashion-mnist --count 10000
      curate sample fashion-mnist --from UNPACKED_DEBIAN_PACKAGE
      curate sample cifar10 --count 5000
    """
    from curation.project import Project
    from curation.sample.write_sample import present, truth_path, write_sample

    project = Project.find_or_here()

    settings: dict[str, Any] = {"name": name, "count": count, "mess": mess, "seed": seed, "round": round_}
    written = None if force else present(project.root, settings)
    if written is None:
        source = _source(project, name, folder)
        written = write_sample(project.root, source, _plan(project, source, settings), settings, force=force)
    facts = {"sample": name, "files": written.files, "new": written.new, **written.plants}
    if as_json:
        show([{"what": key, "number": value} for key, value in facts.items()], as_json=True)
        return
    say(f"{name}: {written.files} files in data/, {written.new or 'none'} of them new")
    if written.plants:
        say("planted: " + ", ".join(f"{plant} {number}" for plant, number in sorted(written.plants.items())))
        say(f"the truth: {project.shown(truth_path(project.root))}")


def _plan(project: "Project", source: Any, settings: dict[str, Any]) -> Any:
    from curation.params import Params
    from curation.sample.mess_plan import Mess, plan_clean, plan_mess

    count, seed = settings["count"], settings["seed"]
    if not settings["mess"]:
        return plan_clean(source, count, seed)
    cutoff = (project.params() if project.params_file.exists() else Params()).cutoff
    return plan_mess(source, count, seed, Mess(cutoff.min, cutoff.max))


def _source(project: "Project", name: str, folder: Path | None) -> Any:
    """Find the set: the digits come with scikit-learn, Fashion-MNIST with Debian, the rest through torchvision."""
    from curation.sample import image_sources

    if name == "digits":
        return image_sources.digits()
    if name == "fashion-mnist" and (found := image_sources.find_fashion(folder)):
        return image_sources.fashion_mnist(found)
    from curation.sample.torchvision_sets import download

    return download(name, folder, project.cache("torchvision"))
