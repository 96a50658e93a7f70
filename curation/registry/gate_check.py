"""What a promotion asks the gate, and what follows from its answer.

The gate objects, can't tell, or has nothing against the candidate. A person may promote a model that the gate objects
to by force and with a reason, and one that it can't tell about with `accept_unknown`. What was refused is logged.
"""

from dataclasses import dataclass, replace

import pandas as pd

from curation import tables
from curation.errors import CurationError
from curation.evaluation.comparison import promotion_gate
from curation.evaluation.split_metrics import seen_by
from curation.model.header import read_header
from curation.params import Params
from curation.project import Project
from curation.registry import refusals, versions


class PromotionRefusedError(CurationError):
    """The candidate may not become production; the message says why."""


@dataclass(frozen=True)
class Choice:
    """What the person asked for.

    force: promote although the gate objects. accept_unknown: promote although the gate can't tell. reason: in words.
    commit: whether to commit and tag.
    """

    force: bool = False
    reason: str = ""
    commit: bool = True
    accept_unknown: bool = False


def decide(
    project: Project, settings: Params, md5: str, log: list[versions.Entry], choice: Choice
) -> promotion_gate.Gate:
    """Return the verdict about the candidate with this MD5. Raises PromotionRefusedError if it may not be promoted.

    A model that was production before is an objection. With `choice.force`, what the gate can't tell counts as one too.
    """
    verdict = _judged(project, settings, _rolled_back(log, md5))
    try:
        _hold_or_force(verdict, choice)
    except PromotionRefusedError:
        refusals.record(project, md5, [*verdict.objections, *verdict.unknown])
        raise
    if choice.force:
        return replace(verdict, objections=[*verdict.objections, *verdict.unknown], unknown=[])
    return verdict


def _rolled_back(log: list[versions.Entry], md5: str) -> list[str]:
    """Return an objection when this model was production before and was replaced since; it must not return silently."""
    if log and log[-1].md5 == md5:
        raise PromotionRefusedError(
            f"this candidate is production already, as {log[-1].version}; train a new one with `dvc repro`"
        )
    before = [entry.version for entry in log if entry.md5 == md5]
    if not before:
        return []
    left = next(entry for entry in reversed(log) if entry.action == "rollback" or entry.md5 != md5)
    why = f" ({left.reason})" if left.reason else ""
    return [f"this model was production before, as {before[-1]}, until {left.version} replaced it{why}"]


def _judged(project: Project, settings: Params, objections: list[str]) -> promotion_gate.Gate:
    """Return the verdict of the promotion gate, with `objections` put before the objections of the gate."""
    predictions = project.table(tables.PREDICTIONS, promotion_gate.NEEDED)
    predictions = predictions.merge(project.table(tables.SPLITS, ["image_id", "leak_group"]), "left", "image_id")
    headers = [read_header(path) for path in (project.candidate, project.base_model(settings))]
    seen = pd.Series(seen_by(predictions["image_id"], *(one.lineage for one in headers)), index=predictions.index)
    answers = set(predictions["base_predicted"]) - {""}
    classes = headers[0].classes, sorted(answers | set(headers[1].classes)) if answers else ()
    verdict = promotion_gate.judge(predictions, seen, classes, settings.promote)
    return replace(verdict, objections=[*objections, *verdict.objections])


def _hold_or_force(verdict: promotion_gate.Gate, choice: Choice) -> None:
    if choice.force and not choice.reason.strip():
        raise PromotionRefusedError('--force needs a written reason: --reason "why this model may be used"')
    if verdict.objections and not choice.force:
        raise PromotionRefusedError(
            "the candidate is not promoted:\n  "
            + "\n  ".join(verdict.objections)
            + '\nFix the cause, or promote the model anyway with --force --reason "why this model may be used".'
        )
    if verdict.unknown and not (choice.force or choice.accept_unknown):
        raise PromotionRefusedError(
            "the candidate is not promoted:\n  "
            + "\n  ".join(verdict.unknown)
            + "\nAdd benchmark images, or promote the model as it is with --accept-unknown."
        )
