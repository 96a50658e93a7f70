"""Promotion: the candidate becomes production, and the next round starts from it.

A stage can't close this loop (DVC refuses cycles), so it is a command. Only here is written what belongs to a moment:
the git revision, the time, the person. The version is registered as GTO does it, by a git tag. Its calibration goes
with it: without one, a confidence of production would be worth what nobody knows.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from curation import params as parameters
from curation import tables
from curation.errors import CurationError
from curation.evaluation.comparison import promotion_gate
from curation.evaluation.split_metrics import seen_by
from curation.files import whole
from curation.model.header import Header, read_header
from curation.project import Project
from curation.registry import model_card, project_state, versions
from curation.registry.register import register

RECORD = "models/production.json"
CARD = "models/production.md"
CALIBRATION = "models/production.calibration.json"  # where `curate identify --model production` looks
TRACKED = [f"{project_state.PRODUCTION}.dvc", f"{CALIBRATION}.dvc"]
OURS = ["params.yaml", *TRACKED, RECORD, CARD, str(versions.LOG), "models/.gitignore"]


class PromotionRefusedError(CurationError):
    """The candidate may not become production."""


@dataclass(frozen=True)
class Choice:
    """How a person wants it: by force, for what reason, committed and tagged or not."""

    force: bool = False
    reason: str = ""
    commit: bool = True


@dataclass(frozen=True)
class Outcome:
    """What was done, and what to say about it."""

    entry: versions.Entry
    gate: promotion_gate.Gate
    notes: list[str]


def promote(root: Path, choice: Choice) -> Outcome:
    """Make models/candidate.safetensors production; PromotionRefusedError says why it may not be."""
    candidate = root / project_state.CANDIDATE
    header = read_header(candidate)
    if header.throwaway:
        raise PromotionRefusedError("the candidate is a throw-away model; set `throwaway: false` and run `dvc repro`")
    knobs = parameters.load(root / "params.yaml")
    md5 = project_state.md5_of(candidate)
    project_state.check_evaluated(root, md5)
    log = versions.read_log(root)
    if log and log[-1].md5 == md5:
        raise PromotionRefusedError(
            f"this candidate is production already, as {log[-1].version}; `dvc repro` makes a new one"
        )
    verdict = _judged(root, knobs)
    _hold_or_force(verdict, choice)
    entry = _entry(root, md5, header, log, choice.reason)
    facts = _card_facts(root, entry, header, verdict)
    _install(root)
    model_card.write_card(root / CARD, facts)
    _record(root, asdict(entry) | _comparison(verdict))
    versions.append(root, entry)
    notes = register(root, entry, OURS, commit=choice.commit)
    return Outcome(entry, verdict, notes)


def rollback(root: Path, version: str | None, choice: Choice) -> Outcome:
    """Return to an earlier version: by default the one that was production before."""
    log = versions.read_log(root)
    target = versions.find(log, version) if version else versions.before_current(log)
    if log[-1].version == target.version:
        raise versions.VersionError(f"{target.version} is production already")
    _point(root / project_state.PRODUCTION, target.md5, target.size)
    _point(root / CALIBRATION, target.calibration_md5, target.calibration_size)
    _fetch(root, target)
    project_state.set_base_model(root, project_state.PRODUCTION)
    moment = _moment(root)
    entry = versions.Entry(**{**asdict(target), **moment, "action": "rollback", "reason": choice.reason})
    _record(root, asdict(entry))
    versions.append(root, entry)
    notes = register(root, entry, OURS, commit=choice.commit)
    return Outcome(entry, promotion_gate.Gate({}, pd.DataFrame(), []), notes)


def _judged(root: Path, knobs: parameters.Params) -> promotion_gate.Gate:
    columns = [*promotion_gate.NEEDED, "loss"]
    predictions = tables.read(root / project_state.PREDICTIONS, tables.PREDICTIONS, columns)
    lineages = [read_header(root / name).lineage for name in (project_state.CANDIDATE, knobs.base_model)]
    seen = pd.Series(seen_by(predictions["image_id"], *lineages), index=predictions.index)
    return promotion_gate.judge(predictions, seen, knobs.promote.max_class_drop)


def _hold_or_force(verdict: promotion_gate.Gate, choice: Choice) -> None:
    if choice.force and not choice.reason.strip():
        raise PromotionRefusedError('--force needs a written reason: --reason "why this may go out"')
    if verdict.objections and not choice.force:
        raise PromotionRefusedError(
            "the candidate is not promoted:\n  "
            + "\n  ".join(verdict.objections)
            + '\nMend it, or promote it all the same with --force --reason "why this may go out".'
        )


def _card_facts(root: Path, entry: versions.Entry, header: Header, verdict: promotion_gate.Gate) -> model_card.Facts:
    splits = Project(root).table(tables.SPLITS, ["label", "split"])
    inside = splits[splits["label"].isin(header.classes)]
    counts = pd.crosstab(inside["label"], inside["split"])
    shown = [name for name in ("train", "val", "test", "benchmark", "reserve") if name in counts.columns]
    per_class = pd.read_csv(root / "reports/evaluate/per_class.csv", keep_default_na=False)
    return model_card.Facts(entry, header, verdict, counts[shown], per_class, project_state.tracked_data(root))


def _comparison(verdict: promotion_gate.Gate) -> dict[str, Any]:
    return {
        "against": {name: result.as_dict() for name, result in verdict.sets.items()},
        "objections": verdict.objections,
    }


def _record(root: Path, values: dict[str, Any]) -> None:
    (root / RECORD).write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _entry(root: Path, md5: str, header: Header, log: list[versions.Entry], reason: str) -> versions.Entry:
    classes = list(header.classes)
    metrics = json.loads((root / "reports/metrics.json").read_text(encoding="utf-8"))
    return versions.Entry(
        action="promote",
        version=versions.next_version(log, classes),
        md5=md5,
        size=(root / project_state.CANDIDATE).stat().st_size,
        calibration_md5=project_state.md5_of(root / project_state.CALIBRATION),
        calibration_size=(root / project_state.CALIBRATION).stat().st_size,
        classes=classes,
        parent=header.parent,
        dataset=header.dataset,
        reason=reason,
        metrics=metrics,
        **_moment(root),
    )


def _moment(root: Path) -> dict[str, Any]:
    revision = project_state.git(root, "rev-parse", "HEAD") or ""
    if revision and project_state.dirty_besides(root, []):
        revision += "+changes"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"git_revision": revision, "time": now, "person": project_state.person(root)}


def _install(root: Path) -> None:
    """Copy model and calibration, then track both."""
    _copy(root / project_state.CANDIDATE, root / project_state.PRODUCTION)
    _copy(root / project_state.CALIBRATION, root / CALIBRATION)
    project_state.dvc(root, "add", project_state.PRODUCTION, CALIBRATION)
    project_state.set_base_model(root, project_state.PRODUCTION)


def _copy(source: Path, target: Path) -> None:
    """Make a new file, because the old one may be a link into DVC's cache."""
    with whole(target) as draft:
        shutil.copyfile(source, draft)


def _point(path: Path, md5: str, size: int) -> None:
    """Write DVC's pointer to a file's bytes, and take the present ones away."""
    text = f"outs:\n- md5: {md5}\n  size: {size}\n  hash: md5\n  path: {path.name}\n"
    path.with_name(f"{path.name}.dvc").write_text(text, encoding="utf-8")
    path.unlink(missing_ok=True)


def _fetch(root: Path, target: versions.Entry) -> None:
    try:
        project_state.dvc(root, "checkout", *TRACKED)
    except project_state.ProjectError:
        project_state.dvc(root, "pull", *TRACKED)
    for name, md5 in ((project_state.PRODUCTION, target.md5), (CALIBRATION, target.calibration_md5)):
        if project_state.md5_of(root / name) != md5:
            raise versions.VersionError(f"{name} came back with other bytes than {target.version} has")
