"""Say what precision the proposals above a confidence threshold have, or why none is stated.

There are two ways to know. The images of val above the threshold were counted, which holds for a pool that is like val;
`pool_shift` tests that. Or a random sample of the proposals was audited, which holds for any pool; see `audits`.
"""

import math
from collections.abc import Iterator

import pandas as pd

from curation.pool.answers import Answers
from curation.pool.precision.audits import audited
from curation.pool.precision.pool_shift import MISSED, compare, low_in_pool
from curation.pool.questions import readable
from curation.predict.ood import GATE, foreign
from curation.predict.thresholds import FEWEST, Expected

MOST_CLASSES = 12


def statement(answers: Answers, min_conf: float, max_ood_score: float = GATE) -> Iterator[str]:
    """Yield sentences on the precision of the proposals with at least `min_conf` and an OOD score below another one."""
    yield from _gated(answers)
    audits = list(audited(answers.project, answers.model, min_conf, max_ood_score))
    yield from audits
    found = answers.expected(min_conf)
    if found is None or answers.calibration is None:
        yield "this model has no measured calibration: confidence is raw softmax, and no precision is stated"
        return
    shift = str(compare(answers.calibration.like, readable(answers.table), answers.calibration.classes))
    if max_ood_score > GATE:
        shift = f"it was measured without images of an OOD score of {GATE} or more, and these are not left out"
    if shift:
        way = "" if audits else "; `curate audit unknowns` labels a random sample and needs no assumption"
        yield f"no precision at confidence >= {min_conf:.3f} is stated for this pool: {shift}{way}"
    else:
        yield f"at confidence >= {min_conf:.3f}, on images like val: {said(found)}"
        tests = "predicted classes, confidence, OOD score"
        yield f"no difference between the pool and val was found ({tests}){allowed(found)}"


def of_classes(answers: Answers, min_conf: float, proposals: pd.DataFrame) -> Iterator[str]:
    """Yield one sentence for each class that is proposed, the most frequent first: its precision on val alone."""
    if answers.calibration is None or not answers.calibration.curve.total:
        return
    counts = proposals.label.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    for label in counts.index[:MOST_CLASSES]:
        yield f"proposed as {label}: {said(answers.calibration.expected(min_conf, str(label)))}"
    if len(counts) > MOST_CLASSES:
        yield f"{len(counts) - MOST_CLASSES} more classes: give --class to see one"


def said(found: Expected) -> str:
    """Put the precision on val into words, with its lower bound or with "too few"."""
    if not found.images:
        return "no val image, so its precision was not measured"
    few = f"too few val images for a lower bound, {found.images} of {FEWEST}"
    low = few if math.isnan(found.low) else f"at least {found.low:.3f}, at 95 %; {found.images:,} val images"
    return f"precision {found.precision:.3f} ({low}), covering {found.coverage:.1%} of images like val"


def allowed(found: Expected) -> str:
    """Put the lower bound for the pool itself into words; "" where there is none."""
    if math.isnan(found.low):
        return ""
    return (
        f"; these tests can miss {MISSED:.0%} foreign images, so of these proposals themselves at least "
        f"{low_in_pool(found.low):.3f} are right, at 95 %"
    )


def _gated(answers: Answers) -> Iterator[str]:
    rows = readable(answers.table)
    if len(rows) and rows.ood_score.notna().any():
        share = foreign(rows.ood_score).mean()
        yield f"{share:.1%} of the pool counts as foreign (OOD score); of images like val at most 5 % do"
