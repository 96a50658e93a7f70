"""The part of the report about the images: warnings, what became of every file, near-duplicates, and classes."""

import pandas as pd

from curation.report import counting
from curation.report.charts import Bar, Bars
from curation.report.page import Figure, Heading, Part, Section, Table, Tiles
from curation.report.round_data import Round
from curation.report.thumbnails import Tile
from curation.selection.copies import losses
from curation.selection.funnel import dropped
from curation.selection.groups.group_effect import Sharing
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import LABELLED_SPLITS, Reason, Source, Split, State

ASIDE = (State.BENCHMARK, State.UNKNOWN, State.POOL, State.RESERVE, State.CONFLICT)
COLOURS = {  # series of the charts
    Split.TRAIN: 1,
    Split.VAL: 3,
    Split.TEST: 2,
    Split.BENCHMARK: 4,
    Split.RESERVE: 5,
    Split.CONFLICT: 8,
}
TOO_FEW = "too few"
MOST_CLASSES, MOST_PAIRS = 40, 8
TURNS = (
    "",
    "turned 90°",
    "turned 180°",
    "turned 270°",
    "mirrored",
    "mirrored, 90°",
    "mirrored, 180°",
    "mirrored, 270°",
)


def loss_warnings(round_: Round) -> list[losses.LossWarning]:
    """Return the warnings about the round; none where a table that they need is missing."""
    if round_.selection is None or round_.duplicates is None:
        return []
    return losses.of_round(round_.selection, round_.duplicates, round_.params.dedupe)


def warnings(round_: Round) -> Section | None:
    """Show each warning with some of the images that it is about."""
    found = loss_warnings(round_)
    if not found:
        return None
    parts: list[Part] = []
    for one in found:
        parts.append(Heading(_sentence(one.text), _sentence(one.fix)))
        if one.image_ids:
            parts.append(Tiles([round_.tile(image, round_.paths.get(image, "")) for image in one.image_ids]))
    number = f"{len(found):,} warnings" if len(found) > 1 else "One warning"
    lead = f"{number}: images may be lost that are good. `curate undrop` lists what is left out and brings it back."
    return Section("warnings", "Look at this first", lead, parts)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def funnel(round_: Round) -> Section | None:
    """Show the steps from files to training images, and why the other files were left out."""
    images, selection = round_.images, round_.selection
    if images is None or selection is None:
        return None
    files, readable = counting.files(images), len(images) - counting.unreadable(images)
    rows = [("files found", files), ("different contents", len(images)), ("readable", readable)]
    if round_.duplicates is not None:
        left = len(round_.duplicates) - len(counting.near_duplicates(round_.duplicates))
        rows.append(("without near-duplicates", left))
    states = selection["state"].value_counts()
    kept = int(states.get(State.KEPT, 0))
    aside = int(states.reindex([state.value for state in ASIDE]).sum())
    steps = [Bar(name, [(1, count, "images")]) for name, count in rows]
    steps.append(Bar("kept or set aside", [(1, kept, "kept"), (5, aside, "aside")], f"{kept:,} + {aside:,}"))
    legend = [(1, "images"), (5, f"set aside: {', '.join(ASIDE)}")]
    drawing = Bars(steps, _alt("The funnel", [*rows, ("kept", kept), ("set aside", aside)]))
    parts: list[Part] = [Figure(drawing, "What was left after each step", legend)]
    parts += [*_states(states), *_splits(round_), *_groups(round_), *_reasons(selection)]
    dropped = int(states.get(State.DROPPED, 0))
    lead = (
        f"{files:,} files came in; {kept:,} images are kept for the model; {dropped:,} were dropped, each for a reason."
    )
    return Section("funnel", "What became of every file", lead, parts)


def near_duplicates(round_: Round) -> Section | None:
    """Show the near-duplicates: how many, how they differ, and those with different labels."""
    frame = round_.duplicates
    if frame is None:
        return None
    removed, conflicts = counting.near_duplicates(frame), counting.conflicts(frame)
    lead = (
        f"{len(removed):,} near-duplicates were found and only the best copy of each stays; "
        f"{len(conflicts):,} images have a near-duplicate with another label."
    )
    parts: list[Part] = []
    if len(removed):
        near = removed.groupby("distance").size()
        rows = [Bar(f"{distance} bits", [(1, int(count), "near-duplicates")]) for distance, count in near.items()]
        parts.append(
            Figure(Bars(rows, "Near-duplicates by distance"), "Bits in which the hash differs from that of the keeper")
        )
        sample = _spread(removed[removed["conflict"] == ""], MOST_PAIRS)
        parts.append(
            Heading("Near-duplicates and their keepers", "Each pair: the removed image, then the one that stays.")
        )
        parts.append(Tiles(_pairs(round_, sample)))
    clash = conflicts[conflicts["image_id"] != conflicts["keeper"]]
    if len(clash):
        parts.append(Heading("The same picture under two labels", "One of the two is wrong: settle it in the review."))
        parts.append(Tiles(_pairs(round_, clash.head(MOST_PAIRS))))
    return Section("near-duplicates", "Near-duplicates", lead, parts)


def balance(round_: Round) -> Section | None:
    """Show the images of every class by split, with the lower and the upper cutoff."""
    selection, cutoff = round_.selection, round_.params.cutoff
    if selection is None:
        return None
    counts = _class_counts(round_, selection)
    if counts.empty:
        return None
    thin = counts.index[counts[TOO_FEW] > 0].tolist()
    shown = (
        pd.concat([counts.head(MOST_CLASSES // 2), counts.tail(MOST_CLASSES // 2)])
        if len(counts) > MOST_CLASSES
        else counts
    )
    series = [*((number, split.value) for split, number in COLOURS.items()), (6, TOO_FEW)]
    rows = [
        Bar(str(name), [(n, int(row[key]), key) for n, key in series if row[key]]) for name, row in shown.iterrows()
    ]
    marks = [(cutoff.min, f"minimum {cutoff.min}"), (cutoff.max, f"maximum {cutoff.max}")]
    drawing = Bars(rows, f"Images of each of {len(counts)} classes by split", marks)
    note = "The 20 largest and the 20 smallest classes" if len(counts) > MOST_CLASSES else "Images of every class"
    used = [(n, key) for n, key in series if counts[key].any()]
    numbers = counts[[key for _, key in series]].to_numpy().tolist()
    rows_of = [[str(name), *row] for name, row in zip(counts.index, numbers, strict=True)]
    whole = Table(["class", *(key for _, key in series)], rows_of, "Numbers")
    model = counting.in_model(round_.splits) if round_.splits is not None else int((counts[TOO_FEW] == 0).sum())
    lead = f"{model} classes are in the model."
    if thin:
        lead += f" Too few images, so not in it: {', '.join(thin[:8])}{' …' if len(thin) > 8 else ''}."
    return Section("classes", "The classes", lead, [Figure(drawing, note, used), whole])


def _class_counts(round_: Round, selection: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each class, the largest first.

    The columns are its images by split, in reserve, in a label conflict, or `too few` for the model.
    """
    named = selection[(selection["label"] != "") & (selection["label"] != UNKNOWN)]
    columns = [*(split.value for split in COLOURS), TOO_FEW]
    counts = pd.DataFrame(0, index=sorted(named["label"].unique()), columns=columns)
    if round_.splits is not None:
        splits = round_.splits[round_.splits["split"].isin(LABELLED_SPLITS)]
        made = splits.groupby(["label", "split"]).size().unstack(fill_value=0)
        counts = counts.add(made.reindex(index=counts.index, columns=columns, fill_value=0), fill_value=0)
    else:
        counts[Split.TRAIN.value] = (
            named[named["state"] == State.KEPT].groupby("label").size().reindex(counts.index, fill_value=0)
        )
    chosen = named[(named["state"] == State.DROPPED) & named["source"].eq(Source.RAW) & _thin(named)]
    counts[TOO_FEW] = chosen.groupby("label").size().reindex(counts.index, fill_value=0)
    order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
    return counts.loc[order, columns].astype(int)


def _thin(named: pd.DataFrame) -> pd.Series:
    """Return the rows that were dropped because their class is too small: neither broken nor near-duplicates."""
    alive = set(named.loc[named["state"] == State.KEPT, "label"])
    return ~named["label"].isin(alive) & (named["reason_code"] == Reason.BELOW_MINIMUM)


def _states(states: pd.Series) -> list[Part]:
    names = {
        State.KEPT: 1,
        State.RESERVE: 5,
        State.BENCHMARK: 4,
        State.UNKNOWN: 7,
        State.POOL: 3,
        State.CONFLICT: 8,
        State.DROPPED: 6,
    }
    parts = [(series, int(states.get(name, 0)), name.value) for name, series in names.items() if states.get(name, 0)]
    drawing = Bars([Bar("images", parts)], "Images by their state: " + ", ".join(f"{n} {v}" for _, v, n in parts))
    return [Figure(drawing, "Every image by its state", _named(parts))]


def _splits(round_: Round) -> list[Part]:
    if round_.splits is None:
        return []
    counts = round_.splits["split"].value_counts()
    names = {**COLOURS, Split.UNKNOWN: 7, Split.OUT: 6}
    parts = [(series, int(counts.get(name, 0)), name.value) for name, series in names.items() if counts.get(name, 0)]
    drawing = Bars([Bar("images", parts)], "Images by split: " + ", ".join(f"{n} {v}" for _, v, n in parts))
    return [Figure(drawing, "The images that are scored, by split", _named(parts))]


def _groups(round_: Round) -> list[Part]:
    """Say what test would share with train without groups, where images have groups."""
    table = round_.csv("split/groups.csv")
    if table is None:
        return []
    unknown = "How far that would change accuracy is not measurable here: no test image shares a group with train."
    said = _sentence(str(Sharing(*map(int, table[list(Sharing._fields)].iloc[0]))))
    return [Heading("Groups of the metadata", f"{said} {unknown}")]


def _named(parts: list[tuple[int, int, str]]) -> list[tuple[int, str]]:
    return [(series, f"{name} {value:,}") for series, value, name in parts]


def _reasons(selection: pd.DataFrame) -> list[Part]:
    rows = dropped(selection)
    if rows.empty:
        return []
    return [Table(["state", "reason", "images"], list(rows.itertuples(index=False)), "Why images are not kept")]


def _spread(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return rows of every kind of near-duplicate, spread over orientation and distance."""
    order = frame.groupby(["orientation", "distance"]).cumcount()
    return (
        frame.assign(_turn=order)
        .sort_values(["_turn", "orientation", "distance", "image_id"], kind="stable")
        .head(count)
    )


def _pairs(round_: Round, frame: pd.DataFrame) -> list[Tile]:
    labels = {} if round_.images is None else dict(zip(round_.images["image_id"], round_.images["label"], strict=True))
    out = []
    for row in frame.to_dict("records"):
        turn = TURNS[row["orientation"] % 8]
        copy, keeper = row["image_id"], row["keeper"]
        facts = f"{row['distance']} bits{', ' + turn if turn else ''}"
        out.append(round_.tile(copy, f"{labels.get(copy) or 'unnamed'}\n{facts}"))
        out.append(round_.tile(keeper, f"{labels.get(keeper) or 'unnamed'}", badge="keeper"))
    return out


def _alt(what: str, rows: list[tuple[str, int]]) -> str:
    return f"{what}: " + ", ".join(f"{count} {name}" for name, count in rows)
