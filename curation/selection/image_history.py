"""The history of one image in sentences: its files, copies, decisions, cutoff, split and predictions.

All of it is read from the tables. Nothing is computed again, so the history is what the pipeline did.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from curation.decisions.fold import fold
from curation.decisions.words import PAIR_WORDS, Decision, is_image_id, parse_decision
from curation.errors import CurationError
from curation.images.collection.metadata_columns import HELD, column, column_names
from curation.tables.codes import Origin, Sampled, Source, Word

Row = dict[str, Any]
SHOWN = 8  # copies that are named
SAMPLED_IN_WORDS = {
    Sampled.UNIFORM: "it was drawn from the pool uniformly at random",
    Sampled.MODEL: "a model proposed it from the pool, so it is only trained on",
}
APPLIED = ("decision", "turn", "small")  # columns of what holds, in the log as in SELECTION


class NoSuchImageError(CurationError):
    """A text that names no image, or more than one."""


@dataclass(frozen=True)
class RoundTables:
    """The tables that the history is read from. Those of later stages may be missing."""

    images: pd.DataFrame
    duplicates: pd.DataFrame | None = None
    reviews: pd.DataFrame | None = None
    selection: pd.DataFrame | None = None
    splits: pd.DataFrame | None = None
    predictions: pd.DataFrame | None = None
    identified: pd.DataFrame | None = None
    lineage: Mapping[str, str] = field(default_factory=dict)


def find(images: pd.DataFrame, text: str) -> str:
    """The image_id that `text` means: an id, the beginning of one, or a path; NoSuchImageError otherwise."""
    path = text.removeprefix("./")
    at = images["path"] == path
    if not at.any():
        at = pd.Series([path in copies for copies in images["copy_paths"]], index=images.index, dtype=bool)
    if at.any():
        return str(images.loc[at, "image_id"].iloc[0])
    found = images.loc[images["image_id"].str.startswith(text), "image_id"] if is_image_id(text) else images["path"][:0]
    if len(found) == 1:
        return str(found.iloc[0])
    if len(found):
        raise NoSuchImageError(
            f"`{text}` begins {len(found)} image ids: give more digits ({', '.join(found.head(4))} ...)"
        )
    near = difflib.get_close_matches(path, images["path"].tolist(), n=1) if len(images) < 200_000 else []
    hint = f" Did you mean {near[0]}?" if near else ""
    raise NoSuchImageError(
        f"`{text}` is no image_id (at least 4 of its digits) and no path in data/images.parquet.{hint}"
    )


def history(tables: RoundTables, image_id: str) -> list[Row]:
    """The history of an image: rows of `step` and `text`, in the order of the pipeline."""
    image = _row(tables.images, image_id)
    assert image is not None
    told = [("collected", text) for text in _collected(image)]
    told += [("near-duplicates", text) for text in _near_duplicates(tables, image_id)]
    told += [("decisions", text) for text in _decisions(tables, image_id)]
    told += [("cutoff", text) for text in _cutoff(_row(tables.selection, image_id))]
    told += [("split", text) for text in _split(tables, image_id)]
    told += [("model", text) for text in _predictions(tables, image_id)]
    return [{"step": step, "text": text} for step, text in told]


def _row(frame: pd.DataFrame | None, image_id: str) -> Row | None:
    if frame is None:
        return None
    rows = frame[frame["image_id"] == image_id]
    return {str(key): value for key, value in rows.iloc[0].items()} if len(rows) else None


def _collected(image: Row) -> Iterator[str]:
    kind = {
        Source.RAW: "a labelled image",
        Source.UNLABELLED: "an image of the pool",
        Source.BENCHMARK: "a hand-made benchmark image",
    }
    label = f", labelled `{image['label']}`" if image["label"] else ", without a label"
    subclass = f" (sub-class `{image['subclass']}`)" if image["subclass"] else ""
    origin = "" if image["origin"] == Origin.REAL else f"; it is {image['origin']}"
    yield f"{image['path']} is {kind[image['source']]}{label}{subclass}{origin}."
    if told := _metadata(image):
        yield f"Its metadata says: {told}."
    if image["error"]:
        yield f"It can't be read: {image['error']}."
    else:
        yield f"{image['format']}, {image['width']} x {image['height']} pixels, {image['bytes']:,} bytes."
    for path, other in zip(image["copy_paths"], image["copy_labels"], strict=True):
        yield f"The same bytes also lie at {path}" + (f", labelled `{other}`." if other else ".")


def _metadata(image: Row) -> str:
    """The columns of metadata.csv in which the image has a value, as one sentence's list."""
    one = pd.DataFrame([{name: image.get(name, "") for name in HELD}])
    return ", ".join(f"{name} `{column(one, name).iloc[0]}`" for name in column_names(one))


def _near_duplicates(tables: RoundTables, image_id: str) -> Iterator[str]:
    own = _row(tables.duplicates, image_id)
    if own is None or tables.duplicates is None:
        return
    table, paths = tables.duplicates, tables.images.set_index("image_id")["path"]
    if own["keeper"] != image_id:
        yield (
            f"It is a near-duplicate of {own['keeper'][:12]} ({paths.get(own['keeper'], 'not there')}), which stays "
            f"in its place: {own['distance']} bits of the hash differ, the thumbnails agree to {own['similarity']:.2f}."
        )
    others = table[(table["keeper"] == own["keeper"]) & (table["image_id"] != image_id)]
    others = others[others["image_id"] != own["keeper"]]
    if len(others):
        yield f"{_named(others)} {_verb(others)} of the same picture, too."
    group = table[(table["leak_group"] == own["leak_group"]) & (table["keeper"] != own["keeper"])]
    if len(group):
        yield f"{_named(group)} {_verb(group)} so alike that a split must not separate them from it."
    if own["conflict"]:
        yield f"Its near-duplicates carry another label: {own['conflict']}."
    if own["keeper"] == image_id and others.empty and group.empty:
        yield "It has no near-duplicate."


def _named(rows: pd.DataFrame) -> str:
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return ", ".join(rows["image_id"].str[:12].head(SHOWN)) + more


def _verb(rows: pd.DataFrame) -> str:
    return "are" if len(rows) > 1 else "is"


def _decisions(tables: RoundTables, image_id: str) -> Iterator[str]:
    if tables.reviews is None:
        return
    log = tables.reviews
    rows = log[(log["image_id"] == image_id) | log["decision"].str.endswith(f"copy:{image_id}")]
    for row in rows.to_dict("records"):
        what = _in_words(parse_decision(row["decision"]), {str(key): value for key, value in row.items()}, image_id)
        who = f" by {row['reviewer']}" if row["reviewer"] else ""
        when = f" on {row['decided_at']}" if row["decided_at"] else ""
        yield f"Decided{who}{when}: {what}." + (f" Note: {row['note']}" if row["note"] else "")
    if rows.empty:
        yield "Nobody has decided anything about it."
    chosen = _row(tables.selection, image_id)
    if chosen and any(row[name] != chosen[name] for row in fold(rows).to_dict("records") for name in APPLIED):
        yield "The stage cutoff has not applied all of this yet: run `dvc repro`."


def _in_words(decision: Decision, row: Row, image_id: str) -> str:
    """One decision as a person reads it; that on a pair is told as the image has it."""
    if decision.word in PAIR_WORDS:
        other = decision.detail if row["image_id"] == image_id else row["image_id"]
        return f"it is {'a' if decision.word is Word.COPY else 'no'} copy of {other[:12]}"
    if decision.word is Word.RELABEL:
        return f"relabel to `{row['label']}`"
    if decision.word is Word.SAMPLED:
        return SAMPLED_IN_WORDS[Sampled(decision.detail)]
    return f"keep, as `{row['label']}`" if decision.word is Word.KEEP and row["label"] else str(decision)


def _cutoff(chosen: Row | None) -> Iterator[str]:
    if chosen is None:
        return
    if chosen["label"] != chosen["original_label"]:
        before = chosen["original_label"] or "unlabelled"
        yield f"The model knows it as `{chosen['label']}`; it was collected as `{before}`."
    yield f"{chosen['state'].capitalize()}" + (f": {chosen['reason']}." if chosen["reason"] else ".")
    if chosen["turn"]:
        yield f"It is turned {chosen['turn']} degrees clockwise before it is used."
    if chosen["small"]:
        yield "What it shows is small in the picture, so training never makes it smaller."


def _split(tables: RoundTables, image_id: str) -> Iterator[str]:
    row = _row(tables.splits, image_id)
    if row is not None:
        benchmark_set = f" (set `{row['benchmark_set']}`)" if row["benchmark_set"] else ""
        fold = f", fold {row['fold']}" if row["fold"] >= 0 else ""
        yield f"In {row['split']}{benchmark_set}{fold}: {row['reason']}."
    elif tables.splits is not None:
        yield "In no split."
    if image_id in tables.lineage:
        yield f"The base model, or a model before it, used the image in {tables.lineage[image_id]}."


def _predictions(tables: RoundTables, image_id: str) -> Iterator[str]:
    found = _row(tables.predictions, image_id)
    if found is not None:
        right = "right" if found["predicted"] == found["label"] else f"but its label is `{found['label']}`"
        yield f"The candidate says `{found['predicted']}` ({found['confidence']:.0%} sure), {right}."
        best = zip(found["top_labels"], found["top_confidences"], strict=True)
        yield "Its first answers: " + ", ".join(f"{label} {sure:.0%}" for label, sure in best) + "."
        if found["base_predicted"]:
            yield f"The base model says `{found['base_predicted']}` ({found['base_confidence']:.0%} sure)."
    guess = _row(tables.identified, image_id)
    if guess is not None and guess["label"]:
        yield f"Of the pool: probably `{guess['label']}` ({guess['confidence']:.0%} sure)."
        if guess["near_duplicate_of"]:
            yield f"It looks like {guess['near_duplicate_of'][:12]}, which is labelled."
