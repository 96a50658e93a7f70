"""`curate cross-validate` measures the accuracy with its spread."""

from typing import TYPE_CHECKING

from curation.cli.shared.app import app
from curation.cli.shared.output import Rows, note, show, write_csv
from curation.cli.shared.training_inputs import AsJson, Epochs, read_inputs, scratch_folder

if TYPE_CHECKING:
    import pandas as pd


@app.command("cross-validate", epilog="Example: curate cross-validate --epochs 10")
def cross_validate_command(epochs: Epochs = 0, as_json: AsJson = False) -> None:
    """Train one model for each fold of train, without that fold, and measure it on the fold.

    Use it when test is small and you need to know how sure the accuracy is. Every fold is made of whole leak groups by
    the stage `split`, and every model starts from weights that have seen no image: after a promotion that is a fresh
    backbone, which may need more --epochs. The predictions are written to reports/cross_validation/predictions.csv.
    """
    from curation.tuning.cross_validation import cross_validate

    project, splits, pixels, params = read_inputs(epochs)
    with scratch_folder(project) as scratch:
        found = cross_validate(splits, pixels, params, scratch)
    folder = project.report("cross_validation")
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(found.predictions, folder / "predictions.csv", decimals=4)
    start = "fresh backbone" if found.cold else "base model"
    rows = [{**row, "start": start} for row in _rows(found.predictions, splits)]
    note(f"{found.start}. The interval counts images in leak groups; it does not hold the luck of the trainings")
    show(rows, as_json=as_json, title="accuracy on the fold that was left out", hidden=["start"])


def _rows(predictions: "pd.DataFrame", splits: "pd.DataFrame") -> Rows:
    """One row for each fold, then the mean over the folds, and their standard deviation."""
    import numpy as np

    from curation.evaluation.prediction_facts import groups_of
    from curation.evaluation.uncertainty import intervals

    facts = predictions.merge(splits[["image_id", "leak_group"]], "left", "image_id")
    right, groups = np.asarray(facts["predicted"] == facts["label"], bool), groups_of(facts)
    folds = facts["fold"].to_numpy()
    rows: Rows = []
    for fold in sorted(set(folds.tolist())):
        low, high = intervals.share(right[folds == fold], groups[folds == fold])
        accuracy = float(right[folds == fold].mean())
        images = int((folds == fold).sum())
        rows.append({"fold": str(fold), "images": images, "accuracy": accuracy, "low": low, "high": high})
    each = np.array([row["accuracy"] for row in rows])
    low, high = intervals.share(right, groups)
    whole = {"images": len(facts), "accuracy": float(each.mean())}
    rows.append({"fold": "mean", **whole, "low": low, "high": high})
    spread = {"accuracy": float(each.std(ddof=1)), "low": None, "high": None}
    rows.append({"fold": "standard deviation", "images": len(facts), **spread})
    return rows
