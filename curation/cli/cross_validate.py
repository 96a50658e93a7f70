"""`curate cross-validate` measures the accuracy with its spread."""

from curation.cli.shared.app import app
from curation.cli.shared.output import Rows, show, write_csv
from curation.cli.shared.training_inputs import AsJson, Epochs, read_inputs


@app.command("cross-validate", epilog="Example: curate cross-validate --epochs 10")
def cross_validate_command(epochs: Epochs = 0, as_json: AsJson = False) -> None:
    """Train one model for each fold of train, without that fold, and measure it on the fold.

    Use it when test is small and you need to know how sure the accuracy is. Every fold is made of whole leak groups by
    the stage `split`. The predictions are written to reports/cross_validation/predictions.csv.
    """
    from curation.tuning.cross_validation import cross_validate

    project, splits, pixels, params = read_inputs(epochs)
    found = cross_validate(splits, pixels, params)
    folder = project.report("cross_validation")
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(found, folder / "predictions.csv", decimals=4)
    right = found["predicted"] == found["label"]
    by_fold = right.groupby(found["fold"]).agg(["size", "mean"])
    rows: Rows = [
        {"fold": str(fold), "images": int(row["size"]), "accuracy": float(row["mean"])}
        for fold, row in by_fold.iterrows()
    ]
    rows.append({"fold": "mean", "images": len(found), "accuracy": float(by_fold["mean"].mean())})
    rows.append({"fold": "standard deviation", "images": len(found), "accuracy": float(by_fold["mean"].std())})
    show(rows, as_json=as_json, title="accuracy on the fold that was left out")
