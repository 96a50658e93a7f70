"""The part of the report that explains the numbers: slices by metadata, simple baselines, and the causes of errors."""

from collections.abc import Mapping
from typing import Any

from curation.evaluation.error_breakdown import named
from curation.evaluation.prediction_facts import groups_of
from curation.evaluation.uncertainty.slices import LEAST_IMAGES, Slice, slices
from curation.images.collection.metadata_columns import HELD, column, column_names
from curation.report.charts import Bar, Bars
from curation.report.page import Figure, Heading, Part, Section, Table
from curation.report.round_data import Round
from curation.tables.codes import Split

SIMPLE = {
    "majority": "always the largest class",
    "nearest_neighbour": "nearest neighbour",
    "pixels": "regression on 8x8 pixels",
}
CAUSES = {
    "label_noise": ("wrong labels", "the share of labels that the calibration takes for wrong: review the queue"),
    "bias": ("bias", "error on train beyond wrong labels: train longer, or a larger arch"),
    "variance": ("variance", "more error on val than on train: more images, augmentation, weight decay"),
    "selection": ("luck with val", "more error on test than on val: the best epoch was chosen on val"),
}
SHIFT = "more error on this benchmark than on test: images of another kind"


SLICE_HEAD = [
    "column",
    "value",
    "images",
    "accuracy",
    "95% interval",
    "difference to the others",
    "95% interval",
    "shown?",
]
SCOPE = ("refused", "gated", "gated_in_scope", "auc_confidence", "auc_energy", "auc_ood_score")


def by_metadata(round_: Round) -> Section | None:
    """Show the accuracy on test of each value of the columns of the metadata, where a value has enough images."""
    found = _slices(round_)
    if not found:
        return None
    worse = [f"{one.column} {one.value}" for one in found if one.difference_interval.high < 0]
    said = (
        f"Shown to be worse than the other test images: {', '.join(worse)}." if worse else "None is shown to be worse."
    )
    lead = (
        f"Accuracy on test for each value with at least {LEAST_IMAGES} images, of columns with 2 to 20 values. {said} "
        f"The intervals of all {len(found):,} slices hold together at 95%. A slice can also differ because it "
        "has other classes."
    )
    return Section("slices", "Slices by metadata", lead, [Table(SLICE_HEAD, [_slice_row(one) for one in found])])


def _slice_row(one: Slice) -> list[object]:
    low, high = one.interval
    below, above = one.difference_interval
    numbers = [f"{one.images:,}", f"{one.accuracy:.1%}", f"{low:.1%} to {high:.1%}"]
    return [one.column, one.value, *numbers, f"{one.difference:+.1%}", f"{below:+.1%} to {above:+.1%}", one.verdict]


def _slices(round_: Round) -> list[Slice]:
    images, predictions, splits, header = round_.images, round_.predictions, round_.splits, round_.header
    if images is None or predictions is None or splits is None:
        return []
    test = predictions[predictions["split"] == Split.TEST]
    if header is not None:
        test = test[test["label"].isin(header.classes)]
    test = test[["image_id", "label", "predicted"]].merge(splits[["image_id", "leak_group"]], on="image_id", how="left")
    rows = test.merge(images[["image_id", *HELD]], on="image_id", how="left")
    rows[HELD] = rows[HELD].fillna("")
    right = (rows["label"] == rows["predicted"]).to_numpy(dtype=bool)
    return slices(right, groups_of(rows), {name: column(rows, name) for name in column_names(rows)})


def reasons(round_: Round) -> Section | None:
    """Show the baselines and the model on test, the parts of the error, and what is refused as out of scope."""
    metrics = round_.metrics
    own, simple = metrics.get("test", {}).get("accuracy"), metrics.get("baselines", {})
    parts = [
        *_baselines(own, simple, metrics.get("test", {}).get("images", 0)),
        *_causes(metrics.get("breakdown", {})),
        *_refused(metrics.get("out_of_scope", {})),
    ]
    if not parts:
        return None
    lead = "Simple methods on the same test images, and the error taken apart."
    if own is not None and simple:
        best = max(simple.values())
        verdict = "beats" if own > best else "does not beat"
        lead = f"The model ({own:.1%} on test) {verdict} the best simple method ({best:.1%})."
    return Section("why", "Why these numbers", lead, parts)


def _baselines(own: float | None, simple: Mapping[str, float], images: int) -> list[Part]:
    if own is None or not simple:
        return []
    rows = [Bar("the model", [(1, own, "accuracy")], f"{own:.3f}")]
    rows += [Bar(SIMPLE.get(name, name), [(5, value, "accuracy")], f"{value:.3f}") for name, value in simple.items()]
    return [
        Figure(Bars(rows, "Accuracy on test of the model and of simple methods"), f"Accuracy on {images:,} test images")
    ]


def _causes(breakdown: Mapping[str, Any]) -> list[Part]:
    rows = []
    if "label_noise" in breakdown:
        rows.append((*CAUSES["label_noise"], f"{breakdown['label_noise']:+.1%}", "", "estimated"))
    for name, value, low, high, sure in named(breakdown):
        shift = (
            f"shift to {name.partition('/')[2]}",
            "more error on this benchmark than on test: images of another kind",
        )
        told = "shown" if sure else "can't tell"
        rows.append((*CAUSES.get(name, shift), f"{value:+.1%}", f"{low:+.1%} to {high:+.1%}", told))
    if not rows:
        return []
    note = (
        "Each in points of the error rate. The intervals hold together at 95%. Where one includes 0, the images are "
        "too few to tell the cause from chance."
    )
    head = ["cause", "what it is", "points", "95% interval", "shown?"]
    return [Heading("Where the errors come from", note), Table(head, rows)]


def _refused(scope: Mapping[str, Mapping[str, Any]]) -> list[Part]:
    rows = [(name, facts["images"], *(facts.get(key, "") for key in SCOPE)) for name, facts in scope.items()]
    if not rows:
        return []
    note = (
        "Pictures of none of the classes: the share that is refused by confidence, the share that the OOD gate stops "
        "beside what it stops of the model's classes, and how well they are told apart."
    )
    head = [
        "images of",
        "number",
        "refused",
        "gated",
        "gated in scope",
        "AUC by confidence",
        "by energy",
        "by OOD score",
    ]
    return [Heading("Out of scope", note), Table(head, rows)]
