"""One run of all stages on the frozen project, and how it compares with golden.json."""

import json
import shutil
from pathlib import Path

import frozen_project
import stage_runs
from fingerprints import Values, differences, fingerprint, text_hash

from curation.project.behaviour_versions import VERSIONS
from curation.project.stage_graph import followers, read_stages

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden.json")
HOW = (
    "raise its number in curation/project/behaviour_versions.py, then run `curate init --update` "
    "and `python tests/golden/renew.py`"
)


def run_all(folder: Path) -> dict[str, Values]:
    """Run every stage below `folder`; what each wrote. `folder`/project is then as it was before the stage cluster."""
    project, scratch = folder / "project", folder / "sandboxes"
    frozen_project.make_project(project)
    found: dict[str, Values] = {}
    for name in stage_runs.ORDER:
        found[name] = one(name, project, scratch)
    frozen_project.freeze_predictions(project)
    for name in stage_runs.AFTER:
        found[name] = one(name, project, scratch)
    return found


def one(name: str, project: Path, scratch: Path) -> Values:
    """Run a stage, take back what it wrote, and name that."""
    sandbox = stage_runs.run_stage(project, name, scratch)
    values = fingerprint(name, sandbox)
    if name == "review":
        values["rows for FiftyOne"] = queue_rows(sandbox)
    stage_runs.take_back(sandbox, project)
    shutil.rmtree(sandbox)
    return values


def queue_rows(sandbox: Path) -> str:
    """The rows that the stage review would push, which its receipt does not hold."""
    from curation.project import Project
    from curation.review.project_queue import read_queue

    stage = read_stages(sandbox)["review"]
    with stage_runs.in_folder(sandbox), stage_runs.watched(sandbox, stage):
        frame = read_queue(Project(Path()), Project(Path()).params().review)
    frame = frame.drop(columns=[name for name in frame if frame[name].dtype.kind == "f"])
    return text_hash(repr(sorted(map(repr, frame.to_dict("records")))))


def golden() -> dict[str, dict[str, Values | int]]:
    """Stage -> {"version", "values"}."""
    return json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}


def complaints(found: dict[str, Values], kept: dict[str, dict[str, Values | int]], versions=VERSIONS) -> dict[str, str]:
    """For each stage that is not as golden.json says: what differs, and what to do about it.

    A stage whose input comes from another stage that differs is not judged: it only has to be renewed.
    """
    stages = read_stages(ROOT)
    differ = {
        name: differences(name, kept[name]["values"], values) if name in kept else ["not in golden.json"]
        for name, values in found.items()
    }
    caused = {after for name, parts in differ.items() if parts for after in followers(stages, [name])}
    said = {}
    for name, parts in differ.items():
        raised = name not in kept or versions[name] != kept[name]["version"]
        listed = "; ".join(parts[:6]) + (f"; and {len(parts) - 6} more" if len(parts) > 6 else "")
        if parts and not raised and name not in caused:
            said[name] = (
                f"stage {name} writes something else than its behaviour version {versions[name]} did: {listed}. "
                f"If that is meant, {HOW}; if it is not, the change is a mistake"
            )
        elif parts or raised:
            said[name] = f"stage {name} is of version {versions[name]} or follows a changed one ({listed}): renew.py"
    return said
