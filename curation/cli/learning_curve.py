"""`curate learning-curve` estimates how much more images would help."""

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import Rows, show, write_csv
from curation.cli.shared.training_inputs import AsJson, Epochs, read_inputs
from curation.errors import CurationError

if TYPE_CHECKING:
    import pandas as pd

    from curation.project import Project

MORE = (1.5, 2, 4)  # times as many images


@app.command("learning-curve", epilog="Example: curate learning-curve --points 5 --class cat --class dog")
def learning_curve_command(
    points: Annotated[int, typer.Option(help="Number of training sizes, from 1/16 of train to all of it.", min=3)] = 5,
    chosen: Annotated[
        list[str] | None, typer.Option("--class", help="A class to show as well. Can be repeated.")
    ] = None,
    epochs: Epochs = 0,
    as_json: AsJson = False,
) -> None:
    """Measure the accuracy on val by the number of training images, and estimate what more images would bring.

    Use it before you collect or label more images. It trains from the base model on nested parts of train. The points,
    the fitted power law and a plot are written to reports/learning_curve.
    """
    from curation.tuning.learning_curve import EVERYTHING, learning_curve

    project, splits, pixels, params = read_inputs(epochs)
    _known(chosen or [], splits)
    found = learning_curve(splits, pixels, params, points)
    rows = [row for name in (EVERYTHING, *(chosen or [])) for row in _law_rows(found, name)]
    _write_curve(project, found, rows)
    show(rows, as_json=as_json, title="val accuracy by images trained on")


def _known(chosen: list[str], splits: "pd.DataFrame") -> None:
    from curation.tables.codes import Split

    classes = sorted(set(splits.loc[splits["split"] == Split.TRAIN, "label"]))
    for name in chosen:
        if name not in classes:
            raise CurationError(f"--class {name}: not a class in train; there are {', '.join(classes)}")


def _law_rows(found: "pd.DataFrame", name: str) -> Rows:
    """Return the measured points, and the accuracy that the fitted law expects of more images."""
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
    write_csv(found, folder / "points.csv", decimals=4)
    fitted = pd.DataFrame(rows)
    write_csv(fitted, folder / "fitted.csv", decimals=4)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, part in fitted.groupby("class", sort=False):
        line = axes.plot(part["images"], part["fitted"], label=f"{name}, fitted")[0]
        axes.plot(part["images"], part["accuracy"].astype(float), "o", color=line.get_color())
    axes.set(xscale="log", xlabel="images trained on", ylabel="val accuracy")
    axes.legend()
    figure.savefig(folder / "curve.svg", metadata={"Date": None})
