"""The part of the report for people: the review queue, probable label errors, the pool, and the next steps."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from curation.pool.precision.audits import Audit
from curation.pool.precision.pool_shift import compare
from curation.pool.precision.statement import allowed, said
from curation.pool.questions import readable
from curation.predict.calibration import Calibration
from curation.report import counting
from curation.report.charts import Bar, Bars
from curation.report.counting import SURE
from curation.report.page import Figure, Heading, Part, Section, Steps, Table, Tiles
from curation.report.round_data import Round

MOST_CLUSTERS, MOST_TILES, MOST_LABEL_ERRORS = 8, 8, 16
EDGES = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
SUSPECT = 0.1  # probability from which a label is shown as suspicious


def clusters(round_: Round) -> Section | None:
    """Show the review queue by cluster, with thumbnails. Images without a cluster are a group of their own."""
    queue = round_.errors
    if queue is None:
        return None
    kinds = queue["kind"].value_counts().sort_index()
    groups = queue[queue["cluster"] >= 0].groupby("cluster", sort=False)
    lead = f"{len(queue):,} images were queued for a person, in {counting.clusters(queue):,} clusters."
    if queue.empty:
        return Section("clusters", "What to review", "Nothing: no errors, no doubts, no contradictions.")
    rows = [Bar(str(kind), [(1, int(count), "images")]) for kind, count in kinds.items()]
    parts: list[Part] = [Figure(Bars(rows, "The queue by kind"), "The queue by kind, in images")]
    for number, group in list(groups)[:MOST_CLUSTERS]:
        parts += _cluster(round_, f"Cluster {number}", group)
    noise = queue[queue["cluster"] < 0]
    if len(noise):
        parts += _cluster(round_, "Alone", noise, "In no cluster: each is its own case.")
    return Section("clusters", "What to review", lead, parts)


def _cluster(round_: Round, title: str, group: pd.DataFrame, note: str = "") -> list[Part]:
    first = group.sort_values(["representative", "rank"], ascending=[False, True], kind="stable").head(MOST_TILES)
    text = note or str(group["explanation"].iloc[0])
    tiles = round_.tile_rows(first, "{label} → {predicted}\n{confidence:.2f}, {kind}")
    return [Heading(f"{title} · {len(group):,} images", text), Tiles(tiles)]


def label_errors(round_: Round) -> Section | None:
    """Show the images whose label is most probably wrong, with the probable label."""
    queue = round_.errors
    if queue is None:
        return None
    likely = queue[(queue["label_error"] >= SUSPECT) & (queue["suggested"] != queue["label"])]
    if likely.empty:
        return None
    worst = likely.sort_values(["label_error", "image_id"], ascending=[False, True], kind="stable").head(
        MOST_LABEL_ERRORS
    )
    lead = f"{len(likely):,} labels are wrong with a probability of {SUSPECT:.0%} or more; the worst come first."
    tiles = round_.tile_rows(worst, "{label} → {suggested}?\n{label_error:.0%} wrong")
    return Section("labels", "Suspicious labels", lead, [Tiles(tiles)])


def pool(round_: Round) -> Section | None:
    """Show the unlabelled and unknown images, and how sure the model is of them."""
    frame = round_.identified
    if frame is None or frame.empty:
        return None
    counts, _ = np.histogram(frame["confidence"].clip(0, 1), EDGES)
    ranges = zip(EDGES[:-1], EDGES[1:], counts, strict=True)
    rows = [Bar(f"{low:g} to {high:g}", [(1, int(count), "images")]) for low, high, count in ranges]
    sure = counting.sure(frame)
    lead = f"{len(frame):,} images have no label; the model is {SURE:.0%} sure or more of {len(sure):,} of them."
    if round_.calibration is not None and len(sure):
        lead += f" {_precision(round_.calibration, frame, audited=bool(round_.audits))}"
    chart = Bars(rows, "Images without a label by confidence")
    parts: list[Part] = [Figure(chart, f"{len(frame):,} images without a label, by confidence")]
    parts += _audits(round_.audits)
    surest = (
        sure.sort_values(["confidence", "image_id"], ascending=[False, True], kind="stable").groupby("label").head(1)
    )
    if len(surest):
        tiles = round_.tile_rows(surest.head(16), "{label}\n{confidence:.3f}")
        parts += [Heading("The surest of each class"), Tiles(tiles)]
    strange = frame.sort_values(["ood_score", "image_id"], ascending=[False, True], kind="stable").head(MOST_TILES)
    tiles = round_.tile_rows(strange, "OOD score {ood_score:.2f}\nnearest: {label}")
    parts += [Heading("Probably none of the classes"), Tiles(tiles)]
    return Section("pool", "Images without a label", lead, parts)


def _audits(found: Sequence[Audit]) -> list[Part]:
    """Show what people found on random samples of the proposals."""
    if not found:
        return []
    note = (
        "People labelled a random sample of the proposals of this model. The last column is a lower bound, at 95%, of "
        "the share of all proposals that are right. It needs no assumption; an image that nobody has decided on counts "
        "as wrong. The numbers are those of the last `curate audit unknowns --result`."
    )
    head = ["confidence at least", "class", "proposals", "drawn", "decided", "right", "at least this share is right"]
    rows = [
        (
            *(f"{one.min_conf:g}", one.of_class or "all", f"{one.proposals:,}", f"{len(one.drawn):,}"),
            *(f"{one.decided:,}", f"{one.right:,}", f"{one.low:.1%}" if one.decided else "not decided yet"),
        )
        for one in found
    ]
    return [Heading("Audits of the proposals", note), Table(head, rows)]


def _precision(calibration: Calibration, frame: pd.DataFrame, *, audited: bool) -> str:
    """Say what precision the sure images have, or why none is stated."""
    shift = str(compare(calibration.like, readable(frame), calibration.classes))
    if shift:
        way = "" if audited else " `curate audit unknowns` measures it on a random sample."
        return f"No precision is stated for them: {shift}.{way}"
    expected = calibration.expected(SURE)
    return f"On images like val: {said(expected)}. No difference between the pool and val was found{allowed(expected)}."


def next_steps(round_: Round) -> Section:
    """List the next steps, from the results of the round, each with its command."""
    return Section("next", "What to do next", "In this order, as far as it applies:", [Steps(list(advice(round_)))])


def advice(round_: Round) -> Iterator[tuple[str, str]]:
    """Yield (what to do and why, command) for every step that the tables give a reason for."""
    if round_.images is not None and (broken := counting.unreadable(round_.images)):
        yield f"{broken:,} files can't be read: replace or delete them, then run the pipeline.", "dvc repro"
    if round_.errors is not None and len(round_.errors):
        likely = int((round_.errors["label_error"] >= SUSPECT).sum())
        words = f", {likely:,} of them with a label that may be wrong" if likely else ""
        yield f"Review the {len(round_.errors):,} images of the queue{words}, best first.", "curate review open"
        yield "Bring the decisions back and train again with them.", "curate review pull && dvc repro"
    if round_.identified is not None and len(round_.identified):
        sure = len(counting.sure(round_.identified))
        if sure:
            yield (
                f"Name the {sure:,} unlabelled images of which the model is sure: new training images at little cost.",
                f"curate unknowns --min-conf {SURE}",
            )
    if round_.predictions is not None:
        if round_.header is not None and round_.header.throwaway:
            yield (
                "This model is a throw-away: train a lasting one from the last promoted model.",
                "dvc exp run -S throwaway=false",
            )
        else:
            yield (
                "Satisfied with the numbers above? Make it the model that the next round starts from.",
                "curate promote",
            )
