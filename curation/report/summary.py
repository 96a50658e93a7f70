"""The round in five lines: new images, training images, quality, what waits for a person, and the next command.

The counts are those of `counting`, the accuracies those of reports/metrics.json, and the queue is that of `curate
review status`. So the numbers are the same as on every page.
"""

from collections.abc import Mapping
from typing import Any

from curation import tables
from curation.evaluation.headline import POPULATION, caption, measured
from curation.project import Project
from curation.report import counting
from curation.report.collection_part import loss_warnings
from curation.report.round_data import Round
from curation.review.project_queue import read_queue
from curation.review.queue_status import progress
from curation.tables.codes import LABELLED_SPLITS, MODEL_SPLITS, Split

Numbers = dict[str, Any]


def summary(project: Project) -> list[str]:
    """Return five lines about the round of the project. TableError when a stage has not run."""
    return in_words(in_numbers(project))


def in_numbers(project: Project) -> Numbers:
    """Return the numbers of the round: images, classes, model (by set), review and pool. TableError as `summary`."""
    splits = project.table(tables.SPLITS, ["label", "split"])
    identified = project.table(tables.IDENTIFIED, ["label", "error"])
    round_ = Round(project)
    queue = progress(read_queue(project, round_.params.review))[-1]
    sizes = splits["split"].value_counts()
    return {
        "images": _images(project),
        "classes": {"in_model": counting.in_model(splits)}
        | {name.value: int(sizes.get(name, 0)) for name in LABELLED_SPLITS},
        "model": {
            name: {key: facts[key] for key in ("accuracy", "accuracy_low", "accuracy_high", "images") if key in facts}
            | {"chosen_on": name == Split.VAL}
            for name, facts in measured(round_.metrics)
            if name != Split.TRAIN
        },
        "review": {
            "queued": queue["queued"],
            "left": queue["left"],
            "clusters": counting.clusters(project.table(tables.ERRORS, ["cluster"])),
        },
        "pool": {"named": int((identified["error"] == "").sum())},
        "warnings": [
            {"text": one.text, "fix": one.fix, "images": [round_.paths.get(image, "") for image in one.image_ids]}
            for one in loss_warnings(round_)
        ],
    }


def warned(numbers: Numbers) -> list[str]:
    """Return the warnings of `in_numbers` as sentences, each with the path of a picture."""
    return [
        f"warning: {one['text']}; {one['fix']}" + (f" (for example {one['images'][0]})" if one["images"] else "")
        for one in numbers["warnings"]
    ]


def _images(project: Project) -> dict[str, int]:
    images = project.table(tables.IMAGES, ["image_id", "copy_paths", "error"])
    duplicates = project.table(tables.DUPLICATES, ["image_id", "keeper", "conflict"])
    return {
        "files": counting.files(images),
        "unreadable": counting.unreadable(images),
        "identical_copies": counting.copies(images),
        "near_duplicates": len(counting.near_duplicates(duplicates)),
        "conflicts": len(counting.conflicts(duplicates)),
    }


def in_words(numbers: Numbers) -> list[str]:
    """Return the five lines that say the numbers of `in_numbers`."""
    images, classes, review = numbers["images"], numbers["classes"], numbers["review"]
    parts = ", ".join(f"{name} {classes[name]:,}" for name in MODEL_SPLITS)
    aside = f"{classes[Split.RESERVE]:,} in reserve, {classes[Split.CONFLICT]:,} in a label conflict"
    accuracies = "; ".join(_accuracy(name, facts) for name, facts in numbers["model"].items())
    return [
        (
            f"Images  {images['files']:,} files: {images['unreadable']:,} unreadable, "
            f"{images['identical_copies']:,} identical copies, {images['near_duplicates']:,} near-duplicates, "
            f"{images['conflicts']:,} with a near-duplicate of another label."
        ),
        f"Classes {classes['in_model']:,} in the model: {parts}; {aside}.",
        (
            f"Model   accuracy with its 95% interval: {accuracies}. What these numbers speak of: {POPULATION}"
            if accuracies
            else "Model   no accuracy was measured."
        ),
        (
            f"Review  {review['left']:,} of {review['queued']:,} queued images are left to decide, in "
            f"{review['clusters']:,} clusters: `curate review open` shows them in FiftyOne."
        ),
        (
            f"Next    {numbers['pool']['named']:,} unlabelled images were named: "
            "`curate unknowns --min-conf 0.9` lists the sure ones; "
            "`curate report` shows the round, `curate promote` starts the next."
        ),
    ]


def _accuracy(name: str, facts: Mapping[str, Any]) -> str:
    """The accuracy on one set, with its 95 % interval."""
    low, high = facts.get("accuracy_low"), facts.get("accuracy_high")
    reach = "" if low is None or high is None else f" {low:.3f} to {high:.3f}"
    return f"{facts['accuracy']:.3f} on {caption(name)} ({facts['images']:,} images){reach}"
