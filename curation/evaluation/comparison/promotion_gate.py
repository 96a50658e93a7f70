"""The gate: what must hold before a candidate becomes production.

Candidate and base model are compared image by image, on the benchmark, or on test where there is none. Only classes
that both know are compared. The candidate passes when it is shown to be not worse by more than a margin
(non-inferiority at one-sided 95 %, Piaggio et al. 2012). It is refused when it is shown to be worse over all images, on
one set, or on one class. The chance that an equal model is refused is 5 % over all of these tests (Bonferroni, Holm).
Between the two the gate can't tell, and says how many images would do. New classes are held against a least recall.
benchmarks/gate.py measures these rates.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation.comparison.paired import Against, against, by_class
from curation.evaluation.prediction_facts import groups_of
from curation.evaluation.uncertainty import intervals, sign_flip
from curation.evaluation.uncertainty.several_tests import holm
from curation.params.blocks import Promote
from curation.tables.codes import HELD_OUT_SPLITS, Split

NEEDED = ["image_id", "split", "benchmark_set", "label", "predicted", "base_predicted"]
LEVEL = 0.05  # chance that an equal model is refused
ONE_SIDED, POWER = 1.6449, 0.8416  # standard errors: of a one-sided 95 % bound, and of a chance of 80 % to pass

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Gate:
    """The comparison, the objections, and what can't be told, as sentences. Without either the gate is passed."""

    sets: dict[str, Against]
    classes: pd.DataFrame
    objections: list[str]
    unknown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what is new
    links: Mapping[str, Against] = field(
        default_factory=dict
    )  # test, each benchmark set, and all of them: see `_links`


@dataclass(frozen=True)
class Held:
    """Held-out images of classes that both models know: set, class, leak group, and where each model is right."""

    sets: "pd.Series[str]"
    labels: "pd.Series[str]"
    groups: intervals.Groups
    new: Flags
    old: Flags

    @property
    def change(self) -> NDArray[np.float64]:
        """Float [n]: 1 where an image became right, -1 where it became wrong, else 0."""
        return self.new.astype(np.float64) - self.old


def judge(
    predictions: pd.DataFrame,
    seen: "pd.Series[bool]",
    classes: tuple[Sequence[str], Sequence[str]],
    rules: Promote,
) -> Gate:
    """Compare candidate and base model.

    - predictions: columns NEEDED; `leak_group`, where it is there, says which images belong together
    - seen: images that candidate or base was trained on; they do not count
    - classes: those of the candidate, and those of the base model; a base without classes has nothing to compare
    """
    new_classes, old_classes = classes
    if not len(old_classes):
        return Gate({}, pd.DataFrame(), [])
    rows = _held_out(predictions, seen)
    both = [name for name in old_classes if name in set(new_classes)]
    held = _held(rows[rows["label"].isin(both)])
    lost = [name for name in old_classes if name not in set(new_classes)]
    objections = [f"class `{name}` is known to the base model, and not to the candidate" for name in lost]
    added = [name for name in new_classes if name not in set(old_classes)]
    refused, notes = _new_classes(rows, added, rules.new_class_min)
    masks = {name: np.asarray(held.sets == name) for name in sorted(set(held.sets))}
    sets = {name: against(held.new[mask], held.old[mask], held.groups[mask]) for name, mask in masks.items()}
    table = by_class(held.labels, held.new, held.old, held.groups)
    whole = against(held.new, held.old, held.groups)
    worse = _worse(held, sets, whole, table, rules)
    unknown = [] if worse else _unknown(whole, _told(list(sets)), rules.margin)
    return Gate(sets, table, [*objections, *worse, *refused], unknown, notes, _links(predictions[~seen], both))


def _links(rows: pd.DataFrame, both: Sequence[str]) -> dict[str, Against]:
    """Candidate against base on test, on each benchmark set and on all of them, on the classes that both know.

    The log of versions keeps them, so that the changes of many rounds can be added up.
    """
    known = rows[rows["label"].isin(both)]
    parts = {split.value: known[known["split"] == split] for split in HELD_OUT_SPLITS}
    of_sets = parts[Split.BENCHMARK.value].groupby("benchmark_set", sort=True)
    parts |= {f"{Split.BENCHMARK.value}/{name!s}": part for name, part in of_sets if name}
    found = {name: _held(part) for name, part in parts.items()}
    return {name: against(one.new, one.old, one.groups) for name, one in found.items() if len(one.new)}


def _held_out(predictions: pd.DataFrame, seen: "pd.Series[bool]") -> pd.DataFrame:
    """Images of the benchmark that neither model learnt from; of test where there are none."""
    rows = predictions[~seen & (predictions["split"] == Split.BENCHMARK)]
    return rows if len(rows) else predictions[~seen & (predictions["split"] == Split.TEST)]


def _held(rows: pd.DataFrame) -> Held:
    rows = rows[rows["base_predicted"] != ""].reset_index(drop=True)
    names = rows["benchmark_set"].where(rows["benchmark_set"] != "", rows["split"])
    right = [np.asarray(rows[column] == rows["label"], bool) for column in ("predicted", "base_predicted")]
    return Held(names, rows["label"], groups_of(rows), right[0], right[1])


def _worse(held: Held, sets: Mapping[str, Against], whole: Against, table: pd.DataFrame, rules: Promote) -> list[str]:
    """Sentences about what is shown to be worse: all images at half of LEVEL, sets and classes at the other half.

    A loss that is shown to lie within its margin is no objection. sets: the comparison on each.
    """
    out = []
    if sign_flip.worse(held.change, held.groups) <= LEVEL / 2 and whole.limits(ONE_SIDED)[0] < -rules.margin:
        out.append(_sentence(_told(list(sets)), whole))
    of_set = {name: np.asarray(held.sets == name) for name in sets if len(sets) > 1}
    of_class = {name: np.asarray(held.labels == name) for name in table["class"]}
    masks = [*of_set.values(), *of_class.values()]
    found = holm(np.array([sign_flip.worse(held.change[mask], held.groups[mask]) for mask in masks]))
    sure = found <= LEVEL / 2
    for name, shown in zip(of_set, sure, strict=False):
        if shown and sets[name].limits(ONE_SIDED)[0] < -rules.margin:
            out.append(_sentence(f"`{name}`", sets[name]))
    lost = table[sure[len(of_set) :] & (table["difference"].to_numpy() < -rules.max_class_drop - 1e-9)]
    out += [
        f"class `{row['class']}`: recall {row['old']:.2f} -> {row['new']:.2f} on {row['images']} images "
        f"(promote.max_class_drop is {rules.max_class_drop})"
        for _, row in lost.iterrows()
    ]
    return out


def _unknown(whole: Against, told: str, margin: float) -> list[str]:
    """A sentence where the one-sided 95 % bound of the difference does not exclude a loss of `margin`."""
    if not whole.images:
        return ["can't tell: no benchmark or test image shows a class that both models know"]
    low = whole.limits(ONE_SIDED)[0]
    if low >= -margin:
        return []
    more = f"{more_images(whole, margin):,} more benchmark images would"
    loss = f"a loss of up to {-low:.1%} is not excluded, and promote.margin is {margin:.1%}"
    return [f"can't tell; {more}: {_sentence(told, whole)}: {loss}"]


def more_images(found: Against, margin: float) -> int:
    """How many more images let an equal model pass with a chance of 80 %, if they change as often as these."""
    changed = (found.better + found.worse + 2) / (found.images + 4)  # after Agresti and Coull 1998
    each = found.images / found.worth if found.worth else 1.0
    needed = (ONE_SIDED + POWER) ** 2 * changed / max(margin, 1e-3) ** 2 * each
    return max(math.ceil((needed - found.images) / 10) * 10, 10)


def _new_classes(rows: pd.DataFrame, added: Sequence[str], least: float) -> tuple[list[str], list[str]]:
    """Sentences about new classes: those whose recall is shown to lie below `least`, and all of them."""
    refused, notes = [], []
    for name in sorted(added):
        of_class = rows[rows["label"] == name]
        if of_class.empty:
            notes.append(f"new class `{name}`: no held-out image shows it, so nothing is known of its recall")
            continue
        right = np.asarray(of_class["predicted"] == name, bool)
        low, high = intervals.share(right, groups_of(of_class))
        words = f"recall {right.mean():.2f} ({low:.2f} to {high:.2f}) on {len(right)} images"
        notes.append(f"new class `{name}`: {words}")
        if high < least:
            refused.append(f"new class `{name}`: {words} (promote.new_class_min is {least})")
    return refused, notes


def _told(names: Sequence[str]) -> str:
    return f"`{names[0]}`" if len(names) == 1 else f"({len(names)} sets)"


def _sentence(name: str, result: Against) -> str:
    low, high = result.interval
    return (
        f"benchmark {name}: {result.worse} of {result.images} images got worse and {result.better} better "
        f"({result.difference:+.2%}, 95 % interval {low:+.2%} to {high:+.2%})"
    )
