"""Warnings before harm: who loses many images to copies, and where one keeper or one ground explains most of them.

A wrong rule for copies does the most harm where many images look alike: objects before a fixed camera, products on
white, scanned forms. There a whole class can go, and no metric shows it. So these functions look at what is left out,
and say it with the setting that helps. Known tools remove such images in silence (imagededup, issue 80).
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from curation.params.blocks import Dedupe, Policy
from curation.project.places import REPORTS
from curation.selection.copies.label_conflicts import counted_keepers
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Reason, Source, Split, State

LEAST = 3  # images that a class must lose before it is named: one pair in a small class says nothing
MANY = 10  # copies of one keeper, and images of one scene, above which they are named
NAMED = 5  # warnings of each kind; the others are counted
SHOWN = 8  # images that stand for a warning
COPIES = (Reason.COPY, Reason.COPY_OF_BENCHMARK, Reason.COPY_OF_REMOVED)
LOOK = f"look at them in {REPORTS}/dedupe/index.html"
KEEP = "if they are different pictures, `dedupe.policy: identical` in params.yaml keeps all but equal pixels"
KEEP_BOTH = f"{REPORTS}/dedupe shows them, and a decision `keep` on both images of a pair keeps both"


@dataclass(frozen=True)
class LossWarning:
    """What may be wrong, what to do about it, and some of the images that it is about."""

    text: str
    fix: str
    image_ids: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"warning: {self.text}; {self.fix}" if self.fix else f"warning: {self.text}"


def expected(images: pd.DataFrame, duplicates: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """What dedupe alone makes of the images, before decisions: image_id, label, lost (bool).

    images: image_id, source, label and error of IMAGES. duplicates: image_id, keeper and same_pixels_as of DUPLICATES.
    """
    keepers = counted_keepers(duplicates, policy)
    copies = set(duplicates.loc[keepers != duplicates["image_id"], "image_id"])
    rows = images[(images["source"] == Source.RAW) & (images["error"] == "")]
    return rows[["image_id", "label"]].assign(lost=rows["image_id"].isin(copies))


def selected(selection: pd.DataFrame) -> pd.DataFrame:
    """What the selection made of the labelled images: image_id, label, lost (bool: left out as a copy)."""
    rows = selection[(selection["source"] != Source.BENCHMARK) & (selection["reason_code"] != Reason.NOT_LABELLED)]
    rows = rows[~rows["reason_code"].isin([Reason.UNREADABLE, Reason.REMOVED])]
    return rows[["image_id", "label"]].assign(lost=rows["reason_code"].isin(COPIES))


def warnings(lost: pd.DataFrame, duplicates: pd.DataFrame, config: Dedupe) -> list[LossWarning]:
    """All warnings about a collection, in a fixed order.

    lost: as `expected` or `selected` gives it. duplicates: image_id, keeper, same_pixels_as and scene of DUPLICATES.
    """
    return [*of_classes(lost, config), *_of_keepers(lost, duplicates, config), *_of_scenes(duplicates, config)]


def of_round(selection: pd.DataFrame, duplicates: pd.DataFrame, config: Dedupe) -> list[LossWarning]:
    """All warnings about a round, as the summary and the report show them. selection, duplicates: the whole tables."""
    return [*warnings(selected(selection), duplicates, config), *of_benchmark(selection)]


def of_benchmark(selection: pd.DataFrame) -> list[LossWarning]:
    """The classes of the benchmark that no other image of the collection has, because a folder was renamed mostly.

    Their images are in no metric, and the accuracy says nothing of it.
    """
    rows = selection[~selection["label"].isin(["", UNKNOWN])]
    known = sorted(rows.loc[rows["source"] != Source.BENCHMARK, "label"].unique())
    alone = rows[(rows["state"] == State.BENCHMARK) & ~rows["label"].isin(known)]
    found = []
    for label, part in alone.groupby("label", sort=True):
        near = difflib.get_close_matches(str(label), known, n=1, cutoff=0.5)
        new = near[0] if near else "NEW NAME"
        what = f"class `{label}` has {len(part):,} images in the benchmark and none elsewhere, so no metric counts them"
        fix = (
            f"if the class was renamed, `classes: {{merge: {{{label}: {new}}}}}` in params.yaml counts them as `{new}`"
        )
        found.append(LossWarning(what, fix, _some(part["image_id"])))
    return found


def unmeasured(splits: pd.DataFrame) -> list[LossWarning]:
    """The classes of benchmark images that the model does not have, so that no metric counts them.

    splits: image_id, label and split of SPLITS.
    """
    trained = splits.loc[splits["split"] == Split.TRAIN, "label"]
    rows = splits[(splits["split"] == Split.BENCHMARK) & ~splits["label"].isin({*trained, "", UNKNOWN})]
    fix = "if it was renamed, `classes.merge` in params.yaml counts them; if it is too small, see `cutoff.min`"
    return [
        LossWarning(
            f"{len(part):,} benchmark images of class `{label}` are in no metric: the model has no such class",
            fix,
            _some(part["image_id"]),
        )
        for label, part in rows.groupby("label", sort=True)
    ]


def of_classes(lost: pd.DataFrame, config: Dedupe) -> list[LossWarning]:
    """The collection, and the classes, of which more than `dedupe.warn_above` are left out as copies."""
    if not len(lost):
        return []
    found = []
    number = int(lost["lost"].sum())
    if number >= LEAST and number > config.warn_above * len(lost):
        what = f"{number:,} of {len(lost):,} labelled images ({number / len(lost):.0%}) are left out as copies"
        found.append(LossWarning(what, f"{LOOK}; {KEEP}", _some(lost.loc[lost["lost"], "image_id"])))
    named = lost[~lost["label"].isin(["", UNKNOWN])]
    sizes = named.groupby("label")["lost"].agg(["sum", "size"]).astype("int64")
    hit = sizes[(sizes["sum"] >= LEAST) & (sizes["sum"] > config.warn_above * sizes["size"])]
    hit = hit.assign(share=hit["sum"] / hit["size"]).sort_values(["share", "sum"], ascending=False, kind="stable")
    for label, row in hit.head(NAMED).iterrows():
        what = f"class `{label}` loses {row['sum']:,.0f} of {row['size']:,.0f} images ({row['share']:.0%}) as copies"
        rows = named.loc[named["lost"] & (named["label"] == label), "image_id"]
        found.append(LossWarning(what, KEEP_BOTH, _some(rows)))
    if len(hit) > NAMED:
        found.append(
            LossWarning(f"{len(hit) - NAMED:,} more classes lose more than {config.warn_above:.0%}", KEEP_BOTH)
        )
    return found


def _of_keepers(lost: pd.DataFrame, duplicates: pd.DataFrame, config: Dedupe) -> Iterator[LossWarning]:
    """Keepers that stand for more than MANY other images."""
    gone = duplicates["image_id"].isin(lost.loc[lost["lost"], "image_id"])
    keepers = counted_keepers(duplicates, config.policy)[gone]
    sizes = keepers[keepers != duplicates.loc[gone, "image_id"]].value_counts().sort_index()
    hit = sizes[sizes > MANY].sort_values(ascending=False, kind="stable")
    for keeper, number in hit.head(NAMED).items():
        rows = duplicates.loc[gone & (duplicates["keeper"] == keeper), "image_id"]
        what = f"{number:,} images are left out as copies of the one image {str(keeper)[:12]}"
        yield LossWarning(what, f"{KEEP_BOTH}; {KEEP}", [str(keeper), *_some(rows)])
    if len(hit) > NAMED:
        yield LossWarning(f"{len(hit) - NAMED:,} more images stand for more than {MANY} copies each", KEEP_BOTH)


def _of_scenes(duplicates: pd.DataFrame, config: Dedupe) -> Iterator[LossWarning]:
    """The one ground that holds most images of any scene, and the scenes that are too large for a leak group."""
    sizes = duplicates["scene"].value_counts().sort_index()
    sizes = sizes[sizes > 1].sort_values(ascending=False, kind="stable")
    if not len(sizes):
        return
    first, number, together = str(sizes.index[0]), int(sizes.iloc[0]), int(sizes.sum())
    if number > MANY and number > together / 2:
        what = f"{number:,} of the {together:,} images that share a scene are in the one of image {first[:12]}"
        why = "probably a fixed camera or one template, where different pictures look alike"
        yield LossWarning(f"{what}: {why}", f"{LOOK}; {KEEP}", _members(duplicates, first))
    large = sizes[sizes > config.max_group]
    for scene, size in large.head(NAMED).items():
        what = f"the scene of image {str(scene)[:12]} holds {size:,} images, more than `dedupe.max_group`"
        why = (
            f"({config.max_group:,}), so splits do not keep all of it together; "
            "a larger `dedupe.max_group` in params.yaml does"
        )
        yield LossWarning(what, why, _members(duplicates, str(scene)))
    if len(large) > NAMED:
        yield LossWarning(f"{len(large) - NAMED:,} more scenes are larger than `dedupe.max_group`", LOOK)


def _members(duplicates: pd.DataFrame, scene: str) -> list[str]:
    return _some(duplicates.loc[duplicates["scene"] == scene, "image_id"])


def _some(image_ids: pd.Series) -> list[str]:
    return [str(one) for one in image_ids.sort_values().head(SHOWN)]
