"""Promotion makes the candidate the production model, and production is the base model of the next round.

A DVC stage can't write the input of an earlier stage, because DVC refuses cycles. So promotion is a command. It also
writes what a reproducible stage must not write: the git revision, the time and the person. The calibration is promoted
with the model, because without it the confidence of production could not be read as a probability. The version is
registered with a git tag, in the way of GTO (https://github.com/iterative/gto).
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from curation import tables
from curation.evaluation.comparison import promotion_gate
from curation.files.change_plan import Plan
from curation.files.steps import Append
from curation.model.header import Header, read_header
from curation.project import Project, ProjectError
from curation.project.dvc import md5_of, pointer, pointer_text
from curation.project.parts import Part
from curation.registry import benchmark_use, model_card, register, versions
from curation.registry.gate_check import Choice, PromotionRefusedError, decide
from curation.tables.codes import MODEL_SPLITS, Split
from curation.tables.names_as_data import json_text, read_csv

NO_VERDICT = promotion_gate.Gate({}, pd.DataFrame(), [])


@dataclass(frozen=True)
class Outcome:
    """The result of a promotion or rollback: the log entry, the verdict of the gate, and notes to show."""

    entry: versions.Entry
    gate: promotion_gate.Gate
    notes: list[str]


def promote(project: Project, choice: Choice) -> Outcome:
    """Make the candidate the production model.

    All steps that can fail run before the first file changes. `curation.files.journal` changes the files.

    Raises PromotionRefusedError when the candidate may not be promoted: it is a throw-away model, it is production
    already, the gate objects and `choice.force` is not set, the gate can't tell and neither `choice.force` nor
    `choice.accept_unknown` is set, or `choice.force` is set without a reason. What the gate refuses is added to the log
    of refused attempts. Raises ProjectError when candidate or predictions are not those of the last `dvc repro`.
    """
    with project.alone(Part.REGISTRY):
        left, done = _settled(project, "promote")
        if done and done.md5 == md5_of(project.candidate):
            return Outcome(done, NO_VERDICT, [left])
        header = read_header(project.candidate)
        if header.throwaway:
            raise PromotionRefusedError(
                "the candidate is a throw-away model; set `throwaway: false` and run `dvc repro`"
            )
        settings, md5 = project.params(), md5_of(project.candidate)
        _check_evaluated(project, md5)
        log = versions.read_log(project)
        verdict = decide(project, settings, md5, log, choice)
        entry = replace(_entry(project, md5, header, log, choice.reason), links=_links(verdict))
        card = "\n".join(model_card.lines(_card_facts(project, entry, header, verdict))) + "\n"
        with project.journal.plan("promote") as plan:
            project.dvc.store(project.candidate, entry.md5)
            project.dvc.store(project.calibration, entry.calibration_md5)
            plan.write(project.model_card, card)
            _install(project, plan, entry, asdict(entry) | _comparison(verdict))
            plan.then = register.commit_and_tags(project, entry, _committed(project)) if choice.commit else None
        notes = _notes(project, entry, [left, *plan.notes], choice)
        return Outcome(entry, verdict, [*notes, *benchmark_use.sentences(project, entry.metrics)])


def rollback(project: Project, version: str | None, choice: Choice) -> Outcome:
    """Make an earlier version production again, or change nothing if a step fails.

    `version` is a name such as "v1.2.0"; None means the version that was production before the current one. Raises
    VersionError when the log has no such version, when it is production already, or when the fetched files are not
    those of this version.
    """
    with project.alone(Part.REGISTRY):
        left, done = _settled(project, "rollback")
        if done and version in (None, done.version):
            return Outcome(done, NO_VERDICT, [left])
        log = versions.read_log(project)
        target = versions.find(log, version) if version else versions.before_current(log)
        if log[-1].version == target.version:
            raise versions.VersionError(f"{target.version} is production already")
        entry = versions.Entry(**{**asdict(target), **_moment(project), "action": "rollback", "reason": choice.reason})
        project.dvc.fetch([target.md5, target.calibration_md5])
        with project.journal.plan("rollback") as plan:
            _install(project, plan, entry, asdict(entry))
            plan.then = register.commit_and_tags(project, entry, _committed(project)) if choice.commit else None
        notes = _notes(project, entry, [left, *plan.notes], choice)
        return Outcome(entry, NO_VERDICT, notes)


def _settled(project: Project, command: str) -> tuple[str, versions.Entry | None]:
    """Settle what a killed command left. Return the sentence, and what `command` made production if it was that one.

    Run again, such a command has then done what it was asked for: a second rollback would go one version too far.
    """
    plan = project.journal.unfinished()
    said = project.journal.settle()
    if plan is None or plan.command != command:
        return said, None
    lines = {step.text for step in plan.steps if isinstance(step, Append)}
    log = versions.read_log(project)
    return said, log[-1] if log and versions.line(log[-1]) in lines else None


def _install(project: Project, plan: Plan, entry: versions.Entry, record: dict[str, Any]) -> None:
    """Plan that the model and the calibration of an entry become production. The cache of DVC holds them."""
    model = project.production, entry.md5, entry.size
    calibration = project.production_calibration, entry.calibration_md5, entry.calibration_size
    for path, md5, size in (model, calibration):
        with plan.draft(path) as draft:
            project.dvc.place(md5, draft)
        plan.write(pointer(path), pointer_text(path, md5, size))
    _ignore(project, plan, [model[0], calibration[0]])
    plan.write(project.params_file, project.with_base_model(project.production))
    plan.write(project.production_record, json_text(record) + "\n")
    plan.append(project.versions, versions.line(entry))


def _ignore(project: Project, plan: Plan, paths: list[Path]) -> None:
    """Plan that git ignores the files that DVC tracks, as `dvc add` does it."""
    missing = [f"/{path.name}\n" for path in paths if not project.git.ignores(project.relative(path))]
    if project.git.exists and missing:
        file = project.models / ".gitignore"
        old = file.read_text(encoding="utf-8") if file.exists() else ""
        plan.write(file, old + ("" if old.endswith("\n") or not old else "\n") + "".join(missing))


def _notes(project: Project, entry: versions.Entry, said: list[str], choice: Choice) -> list[str]:
    state = register.notes(project, entry, _committed(project), commit=choice.commit)
    return [*filter(None, said), *state]


def _committed(project: Project) -> list[str]:
    """Return the paths that a promotion writes and git keeps, relative to the root of the project."""
    pointers = [pointer(project.production), pointer(project.production_calibration)]
    ours = [project.params_file, *pointers, project.production_record, project.model_card, project.versions]
    ours.append(project.refusals)
    return [project.relative(path) for path in [*ours, project.models / ".gitignore"]]


def _check_evaluated(project: Project, candidate_md5: str) -> None:
    """Raise ProjectError unless the stage `evaluate` measured this candidate and its outputs are unchanged."""
    inputs, outputs = project.dvc.inputs("evaluate"), project.dvc.outputs("evaluate")
    candidate = project.relative(project.candidate)
    if inputs.get(candidate) != candidate_md5:
        raise ProjectError(f"{candidate} is not the model that was evaluated last; run `dvc repro`, then promote")
    for path in (project.table_path(tables.PREDICTIONS), project.calibration):
        if not path.exists() or outputs.get(project.relative(path)) != md5_of(path):
            raise ProjectError(f"{path} is not what the last run wrote; run `dvc repro` or `dvc checkout`")


def _card_facts(
    project: Project, entry: versions.Entry, header: Header, verdict: promotion_gate.Gate
) -> model_card.Facts:
    splits = project.table(tables.SPLITS, ["label", "split"])
    inside = splits[splits["label"].isin(header.classes)]
    counts = pd.crosstab(inside["label"], inside["split"])
    shown = [split.value for split in (*MODEL_SPLITS, Split.RESERVE) if split in counts.columns]
    measured = dict.fromkeys(("precision_low", "precision_high", "recall_low", "recall_high"), "")
    per_class = read_csv(project.report("evaluate") / "per_class.csv", na_values=measured)
    folders = tuple(f"{project.relative(folder)}/" for folder in (project.data, project.models))
    sources = {path: md5 for path, md5 in project.dvc.sources().items() if path.startswith(folders)}
    return model_card.Facts(entry, header, verdict, counts[shown], per_class, sources)


def _comparison(verdict: promotion_gate.Gate) -> dict[str, Any]:
    return {
        "against": {name: result.as_dict() for name, result in verdict.sets.items()},
        "objections": verdict.objections,
        "unknown": verdict.unknown,
        "new_classes": verdict.notes,
    }


def _links(verdict: promotion_gate.Gate) -> dict[str, dict[str, float]]:
    return {name: found.as_dict() for name, found in verdict.links.items()}


def _entry(project: Project, md5: str, header: Header, log: list[versions.Entry], reason: str) -> versions.Entry:
    classes = list(header.classes)
    return versions.Entry(
        action="promote",
        version=versions.next_version(log, classes),
        md5=md5,
        size=project.candidate.stat().st_size,
        calibration_md5=md5_of(project.calibration),
        calibration_size=project.calibration.stat().st_size,
        classes=classes,
        parent=header.parent,
        dataset=header.dataset,
        reason=reason,
        metrics=json.loads(project.metrics.read_text(encoding="utf-8")),
        **_moment(project),
    )


def _moment(project: Project) -> dict[str, Any]:
    revision = project.git.head()
    if revision and set(project.git.changed()) - {project.relative(project.refusals)}:
        revision += "+changes"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"git_revision": revision, "time": now, "person": project.git.person()}
