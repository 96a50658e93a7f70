"""The part of the report about the model: training, quality, confusions, and the calibration of its confidence."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from curation.evaluation.headline import POPULATION, caption, compared, measured
from curation.evaluation.prediction_facts import groups_of
from curation.evaluation.uncertainty import best_of
from curation.registry import benchmark_use
from curation.registry.versions_listed import listed, shown
from curation.report.charts import Axes, Bar, Bars, Heatmap, Lines, Span, Spans
from curation.report.page import Figure, Heading, Pair, Part, Section, Table, Tiles
from curation.report.round_data import Round
from curation.tables.codes import HELD_OUT_SPLITS, Split

MOST_NAMES, MOST_PAIRS, MOST_TILES = 40, 12, 8
LEAST_COVERAGE = 0.05
NUMBERS = ("images", "accuracy", "top5", "precision", "recall", "f1", "log_loss", "ece", "auc")


def training(round_: Round) -> Section | None:
    """Show loss and accuracy by epoch, and what the model started from."""
    history, header = round_.csv("train/history.csv"), round_.header
    if history is None:
        return None
    best = history.sort_values(["val_accuracy", "epoch"], ascending=[False, True], na_position="last").iloc[0]
    lead = (
        f"{len(history)} epochs; the best, epoch {int(best['epoch'])}, has accuracy {best['val_accuracy']:.3f} on val, "
        f"{_chosen(round_, history)}."
    )
    facts = []
    if header is not None:
        facts = [
            ("arch", header.arch),
            ("classes", str(len(header.classes))),
            ("image size", f"{header.image_size} px"),
        ]
        facts += [("started from", header.parent or "nothing"), ("images in its lineage", f"{len(header.lineage):,}")]
        if header.throwaway:
            lead += " It is a throw-away model: it can't be promoted."
    counts = ", ".join(f"{name} {number:,}" for name, number in _sizes(round_))
    of = f" (images: {counts})" if counts else ""
    figures = Pair(
        [
            Figure(_curve(history, "loss"), f"Loss by epoch{of}"),
            Figure(_curve(history, "accuracy", (0.0, 1.0)), f"Accuracy by epoch{of}"),
        ]
    )
    return Section("training", "Training", lead, [figures, *([Table(["", "value"], facts)] if facts else [])])


def _chosen(round_: Round, history: pd.DataFrame) -> str:
    """How much too good the accuracy of the best epoch is."""
    if round_.splits is None:
        return "which it was chosen on"
    val = round_.splits[round_.splits["split"] == Split.VAL]
    return best_of.in_words(history["val_accuracy"].tolist(), len(np.unique(groups_of(val))), "epochs")


def _sizes(round_: Round) -> Iterator[tuple[str, int]]:
    """Yield how many images each of the two curves is measured on."""
    if round_.splits is not None:
        for name in (Split.TRAIN, Split.VAL):
            yield name.value, int((round_.splits["split"] == name).sum())


def _curve(history: pd.DataFrame, name: str, y_range: tuple[float, float] | None = None) -> Lines:
    series = []
    for split in (Split.TRAIN, Split.VAL):
        column = f"{split}_{name}"
        if column in history:
            series.append((split.value, list(zip(history["epoch"], history[column], strict=True))))
    return Lines(series, Axes("epoch", name, None, y_range, whole=True), f"{name} by epoch on train and val")


def quality(round_: Round) -> Section | None:
    """Show the accuracy with its interval on every split and benchmark set."""
    sets = dict(measured(round_.metrics))
    if not sets:
        return None
    rows = [
        Span(
            caption(name),
            facts["accuracy"],
            facts.get("accuracy_low", facts["accuracy"]),
            facts.get("accuracy_high", facts["accuracy"]),
            f"{facts['images']:,} images",
        )
        for name, facts in sets.items()
    ]
    wanted = [key for key in NUMBERS if any(key in facts for facts in sets.values())]
    cells = [[caption(name), *(_with_interval(facts, key) for key in wanted)] for name, facts in sets.items()]
    numbers = Table(["set", *wanted], cells)
    said = "; ".join(f"{row.value:.1%} on {row.label}" for row in rows if row.label != caption(Split.TRAIN))
    said += " (accuracy, with 95 % intervals)."
    lead = f"{said} What these numbers speak of: {POPULATION} docs/statistics.md of curation explains each."
    figure = Figure(Spans(rows, "Accuracy with intervals: " + said), "Accuracy and its 95 % interval")
    return Section("quality", "How good it is", lead, [figure, numbers, *_recalls(round_)])


def _with_interval(facts: Mapping[str, Any], key: str) -> Any:
    """A number, and its 95 % interval where it has one."""
    if f"{key}_low" not in facts or f"{key}_high" not in facts:
        return facts.get(key, "")
    return f"{facts[key]:.3f} ({facts[f'{key}_low']:.3f} to {facts[f'{key}_high']:.3f})"


def _recalls(round_: Round) -> list[Part]:
    """Show the recall of every class on test, the worst first, and of the sub-classes."""
    frame = round_.csv("evaluate/per_class.csv")
    if frame is None:
        return []
    test = frame[frame["set"] == Split.TEST].copy()
    test["recall"] = pd.to_numeric(test["recall"], errors="coerce")
    test = test.dropna(subset=["recall"]).sort_values(["recall", "class"], kind="stable")
    if test.empty:
        return []
    rows = [
        Bar(str(row["class"]), [(1, float(row["recall"]), "recall")], _recall(row))
        for row in test.head(MOST_NAMES).to_dict("records")
    ]
    note = "The share of a class's images that the model names rightly; the worst first."
    parts: list[Part] = [Heading("Recall of each class on test", note)]
    parts.append(Figure(Bars(rows, "Recall of each class on test")))
    below = round_.csv("evaluate/subclasses.csv")
    if below is not None and (below["set"] == Split.TEST).any():
        lines = below[below["set"] == Split.TEST].sort_values(["recall", "class", "subclass"], kind="stable")
        lines = lines.head(MOST_NAMES).assign(
            recall=[_recall(row) for row in lines.head(MOST_NAMES).to_dict("records")]
        )
        lines = lines[["class", "subclass", "recall", "mostly_taken_for"]]
        parts.append(Table(list(lines.columns), list(lines.itertuples(index=False)), "Sub-classes"))
    return parts


def _recall(row: Mapping[Any, Any]) -> str:
    """The recall of a class in words, with its 95 % interval where the file has one."""
    low, high = row.get("recall_low", ""), row.get("recall_high", "")
    reach = f" ({float(low):.2f} to {float(high):.2f})" if low != "" and high != "" else ""
    return f"{row['recall']:.2f}{reach} of {int(row['support'])}"


def confusion(round_: Round) -> Section | None:
    """Show the confusions on test: a matrix, or the most frequent pairs when there are many classes."""
    frame = round_.csv("evaluate/confusion.csv")
    if frame is None:
        return None
    frame = frame.astype(str)
    wrong = frame[frame["actual"] != frame["predicted"]]
    pairs = wrong.groupby(["actual", "predicted"]).size().reset_index(name="images")
    pairs = pairs.sort_values(["images", "actual", "predicted"], ascending=[False, True, True], kind="stable")
    lead = f"{len(wrong):,} of {len(frame):,} test images are named wrongly."
    if len(pairs):
        worst = pairs.iloc[0]
        lead += f" Most often: {worst['actual']} taken for {worst['predicted']} ({worst['images']})."
    names = sorted(set(frame["actual"]) | set(frame["predicted"]))
    parts: list[Part] = []
    if len(names) <= MOST_NAMES:
        matrix = pd.crosstab(frame["actual"], frame["predicted"]).reindex(index=names, columns=names, fill_value=0)
        words = f"Rows: the label; columns: the model's answer; {len(frame):,} test images"
        parts.append(Figure(Heatmap(names, matrix.to_numpy().tolist(), lead), words))
    worst_pairs = list(pairs.head(MOST_PAIRS).itertuples(index=False))
    parts.append(Table(["label", "taken for", "images"], worst_pairs, "The worst pairs"))
    return Section("confusion", "What it mixes up", lead, parts)


def confidence(round_: Round) -> Section | None:
    """Show the reliability, and precision against coverage with the thresholds for a wanted precision."""
    reliable, cover = round_.csv("evaluate/reliability.csv"), round_.csv("evaluate/coverage.csv")
    if reliable is None:
        return None
    test = round_.metrics.get("test", {})
    lead = "A confidence of 0.9 should be right nine times in ten: the closer to the dashed line, the better."
    if "ece" in test:
        lead += f" On average it is off by {_with_interval(test, 'ece')} (expected calibration error on test)."
    points = list(zip(reliable["confidence"], reliable["accuracy"], strict=True))
    axes = Axes("confidence", "accuracy", (0.0, 1.0), (0.0, 1.0))
    of = f", {int(reliable['images'].sum()):,} test images" if "images" in reliable else ""
    chart = Lines([("test", points)], axes, "Accuracy by confidence", diagonal=True)
    figures = [Figure(chart, f"Accuracy by confidence{of}")]
    if cover is not None:
        cover = cover[cover["coverage"] >= LEAST_COVERAGE]  # a handful of images says nothing of precision
        line = list(zip(cover["coverage"], cover["precision"], strict=True))
        low = max(0.0, min([0.9, *cover["precision"].astype(float)]) - 0.02)
        axes = Axes("coverage", "precision", (0.0, 1.0), (low, 1.0))
        chart = Lines([("test", line)], axes, "Precision by coverage")
        figures.append(Figure(chart, f"Precision, if only the surest share is taken{of}"))
    return Section("confidence", "Can its confidence be trusted?", lead, [Pair(figures), *_thresholds(round_)])


def _thresholds(round_: Round) -> list[Part]:
    if round_.calibration is None or not round_.calibration.curve.total:
        return []
    rows = []
    for precision in (0.9, 0.95, 0.98, 0.99):
        threshold = round_.calibration.threshold_for(precision)
        known = threshold == threshold  # noqa: PLR0124 - NaN is not itself
        share = f"{round_.calibration.expected(threshold).coverage:.0%}" if known else "-"
        said = f"{threshold:.3f}" if known else round_.calibration.curve.why_not(precision)
        rows.append((f"{precision:.0%}", said, share))
    return [Table(["wanted precision, shown at 95%", "confidence at least", "share of images"], rows)]


def against(round_: Round) -> Section | None:
    """Compare the candidate with its base model on the same images."""
    found = dict(compared(round_.metrics.get("against_base", {})))
    if not found:
        first = "This is the first round: there is no earlier model to compare with."
        return Section("against", "Against the model before", first) if round_.metrics else None
    rows = []
    for name, facts in found.items():
        parts = [(3, facts["better"], "better"), (5, facts.get("same", 0), "same"), (6, facts["worse"], "worse")]
        reach = f"{facts.get('low', -1):+.1%} to {facts.get('high', 1):+.1%}; p {facts['p_value']:.2g}"
        rows.append(Bar(name, parts, f"{facts['difference']:+.1%} ({reach})"))
    better, worse = (sum(facts[key] for facts in found.values()) for key in ("better", "worse"))
    lead = f"{better:,} images are named better than by the model before, {worse:,} worse."
    legend = [(3, "right now, wrong before"), (5, "no change"), (6, "wrong now, right before")]
    figure = Figure(Bars(rows, lead), "Images by what changed; p is that of the sign-flip test", legend)
    return Section("against", "Against the model before", lead, [figure, *_over_versions(round_), *_changed(round_)])


def _over_versions(round_: Round) -> list[Part]:
    """Show the change over the versions on shared images and classes, and the use of the benchmark."""
    if not (rows := shown(listed(round_.versions))):
        return []
    columns = [name for name in rows[0] if name not in {"action", "now", "time", "person", "reason"}]
    note = "; ".join(benchmark_use.sentences(round_.project, round_.metrics))
    return [Heading("The versions so far", note), Table(columns, [[row[name] for name in columns] for row in rows])]


def _changed(round_: Round) -> list[Part]:
    frame = round_.predictions
    if frame is None:
        return []
    held = frame[frame["split"].isin(HELD_OUT_SPLITS) & (frame["base_predicted"] != "")]
    now, before = held["predicted"] == held["label"], held["base_predicted"] == held["label"]
    known = np.isfinite(held["loss"].to_numpy(dtype=float))
    parts: list[Part] = []
    for words, mask in (("Worse than before", ~now & before & known), ("Better than before", now & ~before & known)):
        rows = (
            held[mask].sort_values(["confidence", "image_id"], ascending=[False, True], kind="stable").head(MOST_TILES)
        )
        if len(rows):
            tiles = round_.tile_rows(rows, "{label}\nnow {predicted}\nbefore {base_predicted}")
            parts += [Heading(words), Tiles(tiles)]
    return parts
