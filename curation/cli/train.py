"""`curate tune`, `curate learning-curve`, `curate cross-validate`.

What to change, what more images would bring, how sure.
"""

import enum
import json
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.app import app
from curation.cli.output import Rows, show

if TYPE_CHECKING:
    import pandas as pd

    from curation.images.store.pixels import Pixels
    from curation.params import Params
    from curation.project import Project

COLUMNS = ["image_id", "label", "subclass", "split", "fold", "small"]
MORE = (1.5, 2, 4)  # times as many images


class Sampler(enum.StrEnum):
    """How trials are proposed."""

    TPE = "tpe"
    RANDOM = "random"
    GRID = "grid"


Json = Annotated[bool, typer.Option("--json", help="print JSON")]
Epochs = Annotated[int, typer.Option(help="epochs of each training; 0: as in params.yaml", min=0)]


@app.command("tune", epilog="Example: curate tune --trials 20 --sampler tpe")
def tune_command(
    trials: Annotated[int, typer.Option(help="trials of the study, finished or given up", min=1)] = 20,
    sampler: Annotated[Sampler, typer.Option(help="how trials are proposed")] = Sampler.TPE,
    seed: Annotated[int, typer.Option(help="seed of the proposals", min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Search the space `tune.space` of params.yaml; trials are DVC experiments, and bad ones are given up early.

    Run it again after a kill, or with more trials: the study goes on where it stood. Needs the extra `tune`.
    """
    from curation.project import Project
    from curation.tuning.search import search

    project = Project.find()
    best = search(project.params().tune, project, trials=trials, sampler=sampler.value, seed=seed)
    apply = f"dvc exp apply {best.experiment}"
    if as_json:
        typer.echo(json.dumps({**vars(best), "apply": apply}, indent=2))
        return
    found = ", ".join(f"{key}={value}" for key, value in best.params.items())
    typer.echo(f"best of {best.finished} finished trials ({best.pruned} given up): {best.value:.4f} with {found}")
    typer.echo(apply)


@app.command("learning-curve", epilog="Example: curate learning-curve --points 5 --class cat --class dog")
def learning_curve_command(
    points: Annotated[int, typer.Option(help="sizes that are tried, from 1/16 of train to all of it", min=3)] = 5,
    chosen: Annotated[
        list[str] | None, typer.Option("--class", help="a class to show as well; may be repeated")
    ] = None,
    epochs: Epochs = 0,
    as_json: Json = False,
) -> None:
    """Measure val accuracy against the number of images, and say what more images would bring.

    Trains from the base model on nested parts of train. Writes points, fitted law and plot to reports/learning_curve.
    """
    from curation.tuning.learning_curve import EVERYTHING, learning_curve

    project, splits, pixels, knobs = _inputs(epochs)
    _known(chosen or [], splits)
    found = learning_curve(splits, pixels, knobs, points)
    rows = [row for name in (EVERYTHING, *(chosen or [])) for row in _law_rows(found, name)]
    _write_curve(project, found, rows)
    show(rows, as_json=as_json, title="val accuracy by images trained on")


@app.command("cross-validate", epilog="Example: curate cross-validate --epochs 10")
def cross_validate_command(epochs: Epochs = 0, as_json: Json = False) -> None:
    """Train once for each fold of train without it, and judge it: an accuracy with its spread.

    Writes reports/cross_validation/predictions.csv. Folds are made of whole leak groups by the stage `split`.
    """
    from curation.tuning.cross_validation import cross_validate

    project, splits, pixels, knobs = _inputs(epochs)
    found = cross_validate(splits, pixels, knobs)
    folder = project.report("cross_validation")
    folder.mkdir(parents=True, exist_ok=True)
    found.to_csv(folder / "predictions.csv", index=False, float_format="%.4f")
    right = found["predicted"] == found["label"]
    by_fold = right.groupby(found["fold"]).agg(["size", "mean"])
    rows: Rows = [
        {"fold": str(fold), "images": int(row["size"]), "accuracy": float(row["mean"])}
        for fold, row in by_fold.iterrows()
    ]
    rows.append({"fold": "mean", "images": len(found), "accuracy": float(by_fold["mean"].mean())})
    rows.append({"fold": "standard deviation", "images": len(found), "accuracy": float(by_fold["mean"].std())})
    show(rows, as_json=as_json, title="accuracy on the fold that was left out")


def _inputs(epochs: int) -> "tuple[Project, pd.DataFrame, Pixels, Params]":
    from curation import tables
    from curation.images.store.pixels import Pixels
    from curation.project import Project

    project = Project.find()
    knobs = project.located(project.params())
    if epochs:
        knobs = knobs.model_copy(update={"epochs": epochs})
    return project, project.table(tables.SPLITS, COLUMNS), Pixels(project.pixels), knobs


def _known(chosen: list[str], splits: "pd.DataFrame") -> None:
    from curation.errors import CurationError

    classes = sorted(set(splits.loc[splits["split"] == "train", "label"]))
    for name in chosen:
        if name not in classes:
            raise CurationError(f"--class {name}: not a class in train; there are {', '.join(classes)}")


def _law_rows(found: "pd.DataFrame", name: str) -> Rows:
    """What was measured, and what the fitted law expects of more."""
    from curation.tuning.learning_curve import fit_law

    points = found[found["class"] == name]
    law = fit_law(points["images"].tolist(), points["accuracy"].tolist())
    measured: Rows = [
        {"class": name, "images": images, "accuracy": accuracy, "fitted": law.accuracy(images), "basis": "measured"}
        for images, accuracy in zip(points["images"].tolist(), points["accuracy"].tolist(), strict=True)
    ]
    most = int(points["images"].max())
    more = [(times, round(most * times)) for times in MORE]
    expected: Rows = [
        {"class": name, "images": images, "accuracy": None, "fitted": law.accuracy(images), "basis": f"{times} times"}
        for times, images in more
    ]
    return measured + expected


def _write_curve(project: "Project", found: "pd.DataFrame", rows: Rows) -> None:
    import pandas as pd
    from matplotlib.figure import Figure

    folder = project.report("learning_curve")
    folder.mkdir(parents=True, exist_ok=True)
    found.to_csv(folder / "points.csv", index=False, float_format="%.4f")
    fitted = pd.DataFrame(rows)
    fitted.to_csv(folder / "fitted.csv", index=False, float_format="%.4f")
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, part in fitted.groupby("class", sort=False):
        line = axes.plot(part["images"], part["fitted"], label=f"{name}, fitted")[0]
        axes.plot(part["images"], part["accuracy"].astype(float), "o", color=line.get_color())
    axes.set(xscale="log", xlabel="images trained on", ylabel="val accuracy")
    axes.legend()
    figure.savefig(folder / "curve.svg", metadata={"Date": None})
