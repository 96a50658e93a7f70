"""What people decided, folded into one row an image: the one answer to "which decision holds?", for every reader.

The order is that of `curation.decisions.order`, by time, so the lines of the log may stand in any order. The last
decision wins, on independent questions:

- what the image shows: relabel, keep, unknown
- whether it may be used: remove, keep, benchmark:<set>. A set, once given, is left only by `remove`
- how it is used: turn, small
- how it was chosen to be labelled: sampled

Decisions on pairs of images (copy, not_copy) are folded by `pairs`.
"""

import pandas as pd

from curation.decisions.log import ReviewsError
from curation.decisions.order import in_order
from curation.decisions.words import LABEL_WORDS, NAMING_WORDS, PAIR_WORDS, Decision, parse_decision
from curation.tables.class_names import UNKNOWN, LabelError, canonical, label_problem
from curation.tables.codes import Word

FOLDED = {  # column: what it is where nothing was decided
    "image_id": "",
    "decision": "",  # the last of relabel, keep, unknown, remove, benchmark:<set>
    "word": "",  # its word
    "label": "",  # what it shows; "" where nobody said so, or `keep` confirmed the label it was collected with
    "subclass": "",
    "label_word": "",  # the last of relabel, keep, unknown
    "named": "",  # the last of relabel, keep, unknown, remove: after one of them, no queue asks about the image
    "benchmark_set": "",
    "turn": 0,  # degrees clockwise
    "small": False,
    "sampled": "",  # how it came to be labelled: "uniform" or "model"; "" where nothing is recorded
    "other": "",  # the last decision that does not settle what it shows
    "other_model": "",  # the model that it was made on
    "order": 0,  # place of `decision` in the order of the log: higher is later
    "line": 0,  # line of the log that gave the label
    "who": "",
}
PAIRS = ["first", "second", "copy"]


def fold(reviews: pd.DataFrame) -> pd.DataFrame:
    """Fold the log, as `read_reviews` gives it, into FOLDED: one row an image that was decided on, by image_id.

    ReviewsError names the line of a label that holds and can't be a class.
    """
    states: dict[str, dict[str, object]] = {}
    for order, row in enumerate(in_order(reviews).to_dict("records"), 1):
        decision = parse_decision(row["decision"])
        if decision.word in PAIR_WORDS:
            continue
        state = states.setdefault(row["image_id"], {**FOLDED, "image_id": row["image_id"]})
        _apply(state, decision, {**{str(key): str(value) for key, value in row.items()}, "order": str(order)})
    for state in states.values():
        _settle(state, str(reviews.attrs.get("path", "reviews.csv")))
    folded = pd.DataFrame(list(states.values()), columns=list(FOLDED))
    texts = [name for name, blank in FOLDED.items() if blank == ""]
    folded = folded.astype({**dict.fromkeys(texts, "str"), "turn": int, "small": bool, "order": int, "line": int})
    folded.attrs.update(reviews.attrs)
    return folded.sort_values("image_id", ignore_index=True)


def pairs(reviews: pd.DataFrame) -> pd.DataFrame:
    """What people decided on pairs of images: first < second (image_ids) and copy (bool); the last decision holds.

    A decision on a pair is symmetric: it does not matter in which image's row it stands.
    """
    found: dict[tuple[str, str], bool] = {}
    for image_id, text in in_order(reviews)[["image_id", "decision"]].itertuples(index=False):
        decision = parse_decision(text)
        if decision.word in PAIR_WORDS:
            first, second = sorted((image_id, decision.detail))
            found[first, second] = decision.word is Word.COPY
    rows = [(*pair, copy) for pair, copy in sorted(found.items())]
    return pd.DataFrame(rows, columns=PAIRS).astype({"first": "str", "second": "str", "copy": bool})


def _apply(state: dict[str, object], decision: Decision, row: dict[str, str]) -> None:
    word = decision.word
    if word is Word.SAMPLED:
        state["sampled"] = decision.detail
        return
    if word not in NAMING_WORDS:
        state.update(other=str(decision), other_model=row["model"])
    if word is Word.TURN:
        state["turn"] = int(decision.detail)
        return
    if word is Word.SMALL:
        state["small"] = True
        return
    who = ", ".join(filter(None, (row["reviewer"], row["decided_at"])))
    state.update(decision=str(decision), word=word.value, order=row["order"], who=f" ({who})" if who else "")
    if word in NAMING_WORDS:
        state["named"] = word.value
    if word in LABEL_WORDS:
        label = UNKNOWN if word is Word.UNKNOWN else row["label"]
        subclass = "" if word is Word.UNKNOWN else row["subclass"]
        state.update(label=label, subclass=subclass, label_word=word.value, line=row.get("line", "0"))
    if word is Word.BENCHMARK:
        state["benchmark_set"] = decision.detail
    elif word is Word.REMOVE:
        state["benchmark_set"] = ""


def _settle(state: dict[str, object], path: str) -> None:
    """Spell the label that holds as classes are spelt, or name the row where it can't be one."""
    label = str(state["label"])
    if not label:
        return
    try:
        problem = label_problem(label)
        state.update({} if problem else {"label": canonical(label), "subclass": canonical(str(state["subclass"]))})
    except LabelError as error:
        problem = f"subclass: {error}"
    if problem and state["label_word"] == Word.RELABEL and state["word"] != Word.REMOVE:
        about = f"(image {state['image_id']}) {problem}"
        raise ReviewsError(path, int(str(state["line"])), about, "Decide again on the image, or mend the row.")
