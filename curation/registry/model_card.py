"""The model card in Markdown (Mitchell et al., 2019): how a model was made, how good it is, and its intended use.

Every sentence is made from a measured number or a recorded fact. The card says nothing about what is not known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from curation.evaluation.comparison.promotion_gate import Gate
from curation.evaluation.headline import POPULATION, caption, measured
from curation.model.header import Header
from curation.registry.versions import Entry
from curation.tables.codes import HELD_OUT_SPLITS
from curation.tables.names_as_data import markdown

WEAK_RECALL = 0.8
FEW_IMAGES = 30
SHOWN = 20


@dataclass(frozen=True)
class Facts:
    """The facts behind a card. `counts` has a row for each class and a column for each split."""

    entry: Entry
    header: Header
    gate: Gate
    counts: pd.DataFrame
    per_class: pd.DataFrame  # set, class, precision, recall, f1, support
    data: dict[str, str]  # what DVC tracks -> its hash


def lines(facts: Facts) -> Iterator[str]:
    """Yield the lines of the card."""
    yield from _head(facts)
    yield from _use(facts)
    yield from _metrics(facts.entry.metrics)
    yield from _against(facts.gate)
    yield from _data(facts)
    yield from _limits(facts)


def _head(facts: Facts) -> Iterator[str]:
    entry, header = facts.entry, facts.header
    yield f"# Model card: classifier {entry.version}"
    yield ""
    size = f"{header.image_size} x {header.image_size} pixels"
    yield f"- Architecture: {header.arch}, {size}, {len(header.classes)} classes"
    yield f"- File: models/production.safetensors, MD5 `{entry.md5}`, {entry.size / 1e6:.1f} MB"
    yield f"- Started from the model with MD5 `{entry.parent or 'none'}`"
    yield f"- Promoted by {markdown(entry.person)} at {entry.time}, git revision `{entry.git_revision or 'unknown'}`"
    if facts.gate.objections:
        yield f"- **Promoted by force.** Reason given: {markdown(entry.reason)}"
        yield from (f"  - {markdown(objection)}" for objection in facts.gate.objections)
    elif entry.reason:
        yield f"- Reason given: {markdown(entry.reason)}"
    if facts.gate.unknown:
        yield "- **Promoted with --accept-unknown.**"
        yield from (f"  - {markdown(words)}" for words in facts.gate.unknown)
    yield from (f"- {markdown(words[0].upper() + words[1:])}" for words in facts.gate.notes)
    yield ""


def _use(facts: Facts) -> Iterator[str]:
    names = ", ".join(map(markdown, facts.header.classes))
    yield "## Intended use"
    yield ""
    yield f"Tells which one of these {len(facts.header.classes)} classes an image shows: {names}."
    yield ""
    yield (
        "Its confidence is calibrated on images like those it was measured on. An image of anything else gets one of "
        "these names too, mostly with low confidence: refuse below a threshold, as `curate unknowns --min-conf` does. "
        "`models/production.calibration.json` says what each threshold is worth."
    )
    yield ""


def _metrics(metrics: dict[str, Any]) -> Iterator[str]:
    yield "## Measured"
    yield ""
    yield "| images of (95 % intervals) | images | accuracy | macro F1 | log loss | ECE |"
    yield "|---|---|---|---|---|---|"
    for name, facts in measured(metrics):
        rest = " | ".join(_of(facts, key) for key in ("accuracy", "f1", "log_loss", "ece"))
        yield f"| {markdown(caption(name))} | {facts['images']:,} | {rest} |"
    yield ""
    yield f"What these numbers speak of: {POPULATION}"
    yield ""
    yield "Calibrated on val and on hand-made benchmark sets, so their log loss and ECE are slightly too good."
    yield ""


def _against(gate: Gate) -> Iterator[str]:
    if not gate.sets:
        return
    yield "## Against the model before"
    yield ""
    yield "| images of | better | worse | same | difference (95 % interval) | p of the sign-flip test |"
    yield "|---|---|---|---|---|---|"
    for name, result in gate.sets.items():
        low, high = result.interval
        same = result.images - result.better - result.worse
        change = f"{result.difference:+.3f} ({low:+.3f} to {high:+.3f})"
        yield f"| {markdown(name)} | {result.better} | {result.worse} | {same} | {change} | {result.p_value:.2g} |"
    yield ""


def _data(facts: Facts) -> Iterator[str]:
    yield "## Data"
    yield ""
    yield f"Training set (image ids, labels, splits): `{facts.entry.dataset or 'unknown'}`"
    yield ""
    yield from (f"- {markdown(path)}: `{digest}`" for path, digest in sorted(facts.data.items()))
    yield ""
    splits = [str(name) for name in facts.counts.columns]
    yield "| class | " + " | ".join(splits) + " |"
    yield "|---" * (len(splits) + 1) + "|"
    for label, row in facts.counts.iterrows():
        yield f"| {markdown(label)} | " + " | ".join(f"{count:,}" for count in row) + " |"
    yield ""


def _limits(facts: Facts) -> Iterator[str]:
    yield "## Limits"
    yield ""
    found = [*_weak_classes(facts.per_class), *_few_images(facts), *_overfitting(facts.entry.metrics), *_scope(facts)]
    yield from (f"- {line}" for line in found or ["No weakness was measured on the images above."])


def _weak_classes(per_class: pd.DataFrame) -> Iterator[str]:
    measured = per_class[per_class["set"].isin(["test"]) & (per_class["support"] > 0)]
    weak = measured[measured["recall"] < WEAK_RECALL].sort_values(["recall", "class"])
    for _, row in weak.head(SHOWN).iterrows():
        known = pd.notna(row.get("recall_low"))
        reach = f", {row['recall_low']:.0%} to {row['recall_high']:.0%}" if known else ""
        yield f"{markdown(row['class'])}: finds {row['recall']:.0%} of them on test ({row['support']:,} images{reach})."


def _few_images(facts: Facts) -> Iterator[str]:
    for split in HELD_OUT_SPLITS:
        if split in facts.counts.columns:
            few = [markdown(name) for name, count in facts.counts[split].items() if count < FEW_IMAGES]
            if few:
                yield (
                    f"Fewer than {FEW_IMAGES} images in {split}, so their figures are not precise: "
                    f"{', '.join(few[:SHOWN])}{f' and {len(few) - SHOWN} more' if len(few) > SHOWN else ''}."
                )


def _overfitting(metrics: dict[str, Any]) -> Iterator[str]:
    gap = metrics.get("train", {}).get("accuracy", 0) - metrics.get("test", {}).get("accuracy", 1)
    if gap > 0.05:
        yield f"Overfits: accuracy is {gap:.1%} higher on the images it learnt from than on test."


def _scope(facts: Facts) -> Iterator[str]:
    measured = facts.entry.metrics.get("out_of_scope", {})
    if measured:
        for name, one in sorted(measured.items()):
            if "refused" in one:
                reach = f" ({one['refused_low']:.0%} to {one['refused_high']:.0%})" if "refused_low" in one else ""
                share = f"{one['refused']:.0%}{reach} of {one['images']:,}"
                yield f"Out of scope ({name}): refuses {share} images that are none of its classes.{_gate(one)}"
            else:
                yield (
                    f"Out of scope ({name}): no confidence reaches the wanted precision, so there is no threshold that "
                    f"could refuse its {one['images']:,} images."
                )
    else:
        yield "There were no images of other things, so it was not measured how well the model refuses them."


def _gate(facts: Mapping[str, Any]) -> str:
    if "gated" not in facts:
        return ""
    return (
        f" Its OOD gate stops {facts['gated']:.0%} of them, and {facts['gated_in_scope']:.1%} of images of its classes."
    )


def _of(facts: Mapping[str, Any], key: str) -> str:
    """A number, and its 95 % interval where it has one."""
    if key not in facts:
        return "-"
    low, high = facts.get(f"{key}_low"), facts.get(f"{key}_high")
    return f"{facts[key]:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else "")
