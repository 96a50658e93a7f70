"""Decisions joined to the images they are about, and the labels that follow from them.

`decided` is the one way from a collection and the log to decided images, for whoever needs them.
"""

import difflib
from collections.abc import Mapping, Set

import pandas as pd

from curation.decisions.class_merges import merged, resolve_merges
from curation.decisions.fold import fold
from curation.decisions.log import ReviewsError
from curation.params import Params
from curation.tables.class_names import UNKNOWN, canonical, look_alike
from curation.tables.codes import Source, Word

FACTS = ["image_id", "source", "benchmark_set", "label", "subclass", "origin", "error"]
TOLD = ["decision", "word", "who", "turn", "order", "small", "sampled"]


def decided(images: pd.DataFrame, reviews: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Give every image what people decided on it, in the row order of `images`.

    images: FACTS and copy_labels of IMAGES, with the row numbers as index. reviews: as `read_reviews` gives them.
    Returns FACTS, original_label, TOLD, and copy_labels. Labels are those that the model sees, after `classes.merge`.
    Raises ReviewsError for a relabel to no class, MergeError for a circle of merges.
    """
    folded, known = fold(reviews), known_classes(images, params)
    _refuse_unknown_classes(folded, images, known)
    ends = resolve_merges(params.classes.merge)
    frame = _apply(images, folded, ends, known)
    copy_labels = [[ends.get(label, label) for label in labels] for labels in images["copy_labels"]]
    return frame.assign(label=merged(frame["label"], ends), copy_labels=pd.Series(copy_labels, dtype="object"))


def known_classes(images: pd.DataFrame, params: Params) -> set[str]:
    """The classes that an image was collected with or that params.yaml names, and `unknown`."""
    merge = params.classes.merge
    named = map(canonical, [*merge, *merge.values(), *params.cutoff.classes])
    return {*images["label"].unique(), *named, UNKNOWN} - {""}


def _refuse_unknown_classes(folded: pd.DataFrame, images: pd.DataFrame, known: Set[str]) -> None:
    """Raise ReviewsError when a relabel that holds names no class: a slip, a new class, or a class that was renamed.

    folded: as `fold` gives it; known: as `known_classes` gives it. A `keep` whose class is gone follows its folder.
    """
    relabelled = folded[(folded["label_word"] == Word.RELABEL) & (folded["word"] != Word.REMOVE)]
    strange = relabelled[~relabelled["label"].isin(known)].sort_values("line")
    if strange.empty:
        return
    first = strange.iloc[0]
    label, image_id = str(first["label"]), str(first["image_id"])
    same = strange.loc[strange["label"] == label, "image_id"]
    more = f" (and {len(same) - 1} more rows)" if len(same) > 1 else ""
    found = f"image {image_id} is relabelled to `{label}`, which is no class of the collection{more}"
    fix = _ways_out(label, image_id, images[images["image_id"].isin(same)], known)
    raise ReviewsError(folded.attrs.get("path", "reviews.csv"), int(first["line"]), found, fix)


def _ways_out(label: str, image_id: str, decided: pd.DataFrame, known: Set[str]) -> str:
    """What to do about a relabel to no class; decided: the images that such rows are about."""
    by_look = {look_alike(name): name for name in sorted(known)}
    near = difflib.get_close_matches(look_alike(label), by_look, n=1)
    folders = decided.loc[(decided["source"] == Source.RAW) & ~decided["label"].isin(["", UNKNOWN]), "label"]
    if near:
        new = by_look[near[0]]
        hint = f"Did you mean `{new}`? Then"
    elif len(folders):
        new = str(folders.value_counts().sort_index().idxmax())
        hint = f"If the class was renamed ({len(folders)} of these images lie in the folder `{new}` now),"
    else:
        new, hint = "NEW NAME", "If the class was renamed,"
    return (
        f"{hint} either write `classes: {{merge: {{{label}: {new}}}}}` in params.yaml, "
        f"and every decision for `{label}` counts for `{new}`; or decide again on the image, in the App or by the row "
        f"`{image_id},relabel,{new},,,,,` with today's time in decided_at. A class that has no folder yet is named in "
        f"params.yaml: cutoff.classes: {{{label}: {{}}}}."
    )


def unmatched(folded: pd.DataFrame, images: pd.DataFrame) -> list[str]:
    """The image_ids that were decided on and are not (or no longer) in the collection; their rows stay in the log."""
    return sorted(set(folded["image_id"]) - set(images["image_id"]))


def _apply(images: pd.DataFrame, folded: pd.DataFrame, ends: Mapping[str, str], known: Set[str]) -> pd.DataFrame:
    """Join the decisions to IMAGES: adds original_label and what `fold` has; labels are not merged yet.

    ends: as `resolve_merges` gives them. A `keep` confirms the label that the person saw, which is the merged one. So
    where the image's own label is merged into it, the image keeps its own, finer one; and where the class is gone,
    because its folder was renamed, the image follows its folder.
    """
    frame = images[FACTS].assign(
        original_label=images["label"], decision="", word="", who="", turn=0, order=0, small=False, sampled=""
    )
    rows = pd.Index(images["image_id"]).get_indexer(pd.Index(folded["image_id"]))
    told = folded[rows >= 0].set_axis(rows[rows >= 0])
    for column in TOLD:
        frame.loc[told.index, column] = told[column]
    own = frame.loc[told.index, "label"]
    kept = (told["label_word"] == Word.KEEP) & (
        (merged(told["label"], ends) == merged(own, ends)) | ~told["label"].isin(known)
    )
    named = told[told["label"].isin(known) & ~kept]
    frame.loc[named.index, ["label", "subclass"]] = named[["label", "subclass"]]
    chosen = told[(told["benchmark_set"] != "") & (frame.loc[told.index, "source"] != Source.BENCHMARK)]
    frame.loc[chosen.index, "benchmark_set"] = chosen["benchmark_set"]
    return frame
