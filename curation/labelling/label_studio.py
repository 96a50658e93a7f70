"""Write tasks for Label Studio, and read its annotations (full export or JSON-MIN).

A task holds the class that the model predicts as a prediction. The formats are those of
https://labelstud.io/guide/tasks and https://labelstud.io/guide/export. Images are named by path below the storage of
the Label Studio project, which is local files by default.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pandas as pd

from curation.errors import CurationError, in_words

LOCAL_FILES = "/data/local-files/?d="
OTHERS = ("unknown", "remove")


class LabelStudioError(CurationError):
    """The file is not a Label Studio export."""


def write_tasks(rows: pd.DataFrame, path: Path, model: str, prefix: str = LOCAL_FILES) -> int:
    """Write rows of IDENTIFIED as tasks, and return how many. `prefix` is put before the path of each image."""
    tasks = [_task(row, model, prefix) for row in rows.to_dict("records")]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tasks, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(tasks)


def config(classes: Sequence[str]) -> str:
    """Return the labelling interface (XML) for the tasks: one choice of the classes, `unknown` and `remove`."""
    choices = "\n".join(f"    <Choice value={quoteattr(name)}/>" for name in [*classes, *OTHERS])
    return (
        '<View>\n  <Image name="image" value="$image"/>\n'
        f'  <Choices name="label" toName="image" choice="single">\n{choices}\n  </Choices>\n</View>\n'
    )


def read_annotations(path: Path) -> dict[str, tuple[str, str]]:
    """Return what people chose: image_id -> (choice, annotator). The last annotation that was not skipped holds.

    Raises LabelStudioError when the file is not an export.
    """
    try:
        tasks = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LabelStudioError(
            f"{path} is not a JSON file ({in_words(error)}): export the project as JSON or JSON-MIN"
        ) from None
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise LabelStudioError(f"{path} is not a list of tasks: export the project as JSON or JSON-MIN")
    found: dict[str, tuple[str, str]] = {}
    for number, task in enumerate(tasks, 1):
        image_id = (task.get("data") or task).get("image_id")
        if not isinstance(image_id, str):
            raise LabelStudioError(
                f"{path}: task {number} has no image_id; were the tasks made by `curate label export`?"
            )
        for choice in _choices(task):
            found[image_id] = choice
    return found


def _task(row: Mapping[Any, Any], model: str, prefix: str) -> dict[str, Any]:
    data = {"image": prefix + row["path"], "image_id": row["image_id"], "path": row["path"]}
    if not row["label"]:
        return {"data": data}
    result = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [row["label"]]}}
    sure = round(float(row["confidence"]), 4)
    return {"data": data, "predictions": [{"model_version": model, "score": sure, "result": [result]}]}


def _choices(task: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the choices of a task, oldest first; a full export has annotations, JSON-MIN has the choice itself."""
    if "data" not in task:
        if isinstance(task.get("label"), str):
            yield task["label"], str(task.get("annotator", ""))
        return
    made = [one for one in task.get("annotations") or [] if not one.get("was_cancelled")]
    for annotation in sorted(made, key=lambda one: str(one.get("updated_at", ""))):
        for result in annotation.get("result") or []:
            chosen = (result.get("value") or {}).get("choices") or []
            if result.get("type") == "choices" and chosen:
                yield str(chosen[0]), _annotator(annotation.get("completed_by"))


def _annotator(who: object) -> str:
    return str(who.get("email") or who.get("id", "")) if isinstance(who, dict) else str(who or "")
