"""`curate learning-curve` estimates how much more images would help."""

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import Rows, note, show, write_csv
from curation.cli.shared.training_inputs import AsJson, Epochs, read_inputs, scratch_folder
from curation.errors import CurationError

if TYPE_CHECKING:
    import pandas as pd

    from curation.project import Project


@app.command("learning-curve", epilog="Example: curate learning-curve --points 5 --class cat --class dog")
def learning_curve_command(
    points: Annotated[int, typer.Option(help="Number of training sizes, from 1/16 of train to all of it.", min=3)] = 5,
    chosen: Annotated[
        list[str] | None, typer.Option("--class", help="A class to show as well. Can be repeated.")
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Trainings of each size; fewer than 2 show no luck of training.", min=1)
    ] = 3,
    epochs: Epochs = 0,
    as_json: AsJson = False,
) -> None:
    """Measure the accuracy on val by the number of training images, and estimate what more images would bring.

    Use it before you collect or label more images. It trains on nested parts of train, --seeds times each, always from
    weights that have seen no image. Every number has a 95% interval. The points, the fitted power law and a plot are
    written to reports/learning_curve.
    """
    import pandas as pd

    from curation.tuning.curve_range import curve_rows
    from curation.tuning.learning_curve import EVERYTHING, learning_curve

    project, splits, pixels, params = read_inputs(epochs)
    _known(chosen or [], splits)
    with scratch_folder(project) as scratch:
        found = learning_curve(splits, pixels, params, (points, seeds), scratch)
    parts = [curve_rows(found, name, params.seed) for name in found.images if len(found.rows_of(name))]
    every = pd.concat(parts, ignore_index=True)
    shown = every[every["class"].isin([EVERYTHING, *(chosen or [])])]
    _write_curve(project, every[every["basis"] == "measured"], shown)
    note(f"{found.start}. {_said(shown[shown['class'] == EVERYTHING])}")
    start = "fresh backbone" if found.cold else "base model"
    rows: Rows = [{**row, "seeds": seeds, "start": start} for row in _plain(shown)]
    show(rows, as_json=as_json, title="val accuracy by images trained on", hidden=["seeds", "start"])


def _plain(shown: "pd.DataFrame") -> Rows:
    """Rows with None where there is no number."""
    records = shown.to_dict("records")
    return [{str(key): None if value != value else value for key, value in row.items()} for row in records]  # noqa: PLR0124 - NaN


def _said(whole: "pd.DataFrame") -> str:
    """One sentence about what four times the images would bring."""
    most = whole.iloc[-1]
    gain = f"{most['gain']:+.1%} accuracy (95% range {most['gain_low']:+.1%} to {most['gain_high']:+.1%})"
    return f"{most['basis']} the images would bring {gain}, if they are like those of train and the law goes on"


def _known(chosen: list[str], splits: "pd.DataFrame") -> None:
    from curation.tables.codes import Split

    classes = sorted(set(splits.loc[splits["split"] == Split.TRAIN, "label"]))
    for name in chosen:
        if name not in classes:
            raise CurationError(f"--class {name}: not a class in train; there are {', '.join(classes)}")


def _write_curve(project: "Project", measured: "pd.DataFrame", shown: "pd.DataFrame") -> None:
    from matplotlib.figure import Figure

    folder = project.report("learning_curve")
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(measured[["class", "images", "accuracy", "low", "high"]], folder / "points.csv", decimals=4)
    write_csv(shown, folder / "fitted.csv", decimals=4)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, part in shown.groupby("class", sort=False):
        points, more = part[part["basis"] == "measured"], part[part["basis"] != "measured"]
        line = axes.plot(part["images"], part["fitted"], label=f"{name}, fitted")[0]
        spread = [
            (points["accuracy"] - points["low"]).clip(lower=0),
            (points["high"] - points["accuracy"]).clip(lower=0),
        ]
        axes.errorbar(
            points["images"], points["accuracy"].astype(float), spread, fmt="o", capsize=3, color=line.get_color()
        )
        axes.fill_between(
            more["images"], more["low"].astype(float), more["high"].astype(float), alpha=0.2, color=line.get_color()
        )
    axes.set(xscale="log", xlabel="images trained on", ylabel="val accuracy, 95% intervals")
    axes.legend()
    figure.savefig(folder / "curve.svg", metadata={"Date": None})
