"""Write tasks for Label Studio, and read its annotations (full export or JSON-MIN).

A task holds the class that the model predicts as a prediction. The formats are those of
https://labelstud.io/guide/tasks and https://labelstud.io/guide/export. Images are named by path below the storage of
the Label Studio project, which is local files by default.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import pandas as pd

from curation.errors import CurationError, in_words
from curation.files import write_text
from curation.files.parsed import parse_json
from curation.labelling.imported import OTHERS, Choice, moment

LOCAL_FILES = "/data/local-files/?d="
CONTROL = "label"  # of the labelling interface that `config` writes
MIN_KEYS = {  # of a row of JSON-MIN that are no controls
    *("id", "image", "image_id", "path", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"),
}


class LabelStudioError(CurationError):
    """The file is not a Label Studio export."""


def write_tasks(rows: pd.DataFrame, path: Path, model: str, prefix: str = LOCAL_FILES) -> int:
    """Write rows of IDENTIFIED as tasks, and return how many. `prefix` is put before the path of each image."""
    tasks = [_task(row, model, prefix) for row in rows.to_dict("records")]
    write_text(path, json.dumps(tasks, indent=1, ensure_ascii=False) + "\n")
    return len(tasks)


def config(classes: Sequence[str]) -> str:
    """Return the labelling interface (XML) for the tasks: one choice of the classes, `unknown` and `remove`."""
    choices = "\n".join(f"    <Choice value={quoteattr(name)}/>" for name in [*classes, *OTHERS])
    return (
        '<View>\n  <Image name="image" value="$image"/>\n'
        f'  <Choices name="label" toName="image" choice="single">\n{choices}\n  </Choices>\n</View>\n'
    )


@dataclass(frozen=True)
class Export:
    """What people chose in an export: image_id -> the newest choice; and the number of tasks that name no image."""

    choices: dict[str, Choice]
    strange: int = 0


def read_annotations(path: Path, control: str = "") -> Export:
    """Read the newest choice of each image, whichever row or annotation of the export it stands in.

    `control` names the Choices control that is meant. By default it is `label`, as `config` writes it, or the only
    control that there is. Skipped annotations and drafts count for nothing. Raises LabelStudioError when the file is
    not an export, when several controls could be meant, or when an image has several choices.
    """
    tasks = _tasks(path)
    named = [task for task in tasks if isinstance(_data(task).get("image_id"), str)]
    if tasks and not named:
        raise LabelStudioError(f"{path}: no task has an image_id; were the tasks made by `curate label export`?")
    answers = [answer for task in named for answer in _answers(task)]
    wanted = _control(path, {answer.control for answer in answers}, control)
    chosen: dict[str, Choice] = {}
    for answer in sorted((one for one in answers if one.control == wanted), key=_age):
        if len(answer.labels) > 1:
            raise LabelStudioError(
                f"{path}: image {answer.image_id} has the choices {', '.join(answer.labels)}: keep only one"
            )
        chosen[answer.image_id] = Choice(answer.labels[0], answer.annotator, answer.when)
    return Export(chosen, len(tasks) - len(named))


@dataclass(frozen=True)
class _Answer:
    image_id: str
    control: str
    labels: list[str]
    annotator: str
    when: str
    number: int  # of the annotation; a later one has a higher number


def _age(answer: _Answer) -> tuple[int, str, int]:
    return moment(answer.when), answer.when, answer.number


def _tasks(path: Path) -> list[dict[str, Any]]:
    try:
        tasks = parse_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise LabelStudioError(
            f"{path} is not a JSON file ({in_words(error)}): export the project as JSON or JSON-MIN"
        ) from None
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise LabelStudioError(f"{path} is not a list of tasks: export the project as JSON or JSON-MIN")
    for number, task in enumerate(tasks, 1):
        if not _is_export(task):
            raise LabelStudioError(
                f"{path}, task {number}: its annotations, their results or choices are not as Label Studio writes "
                "them. Export the project again, as JSON or JSON-MIN"
            )
    return tasks


def _is_export(task: Mapping[str, Any]) -> bool:
    """Whether the annotations of a task are lists of objects, as the format has them; null stands for none."""
    annotations = task.get("annotations") or []
    return _objects(annotations) and all(
        _objects(one.get("result") or [])
        and all(
            isinstance(result.get("value") or {}, dict) and _texts((result.get("value") or {}).get("choices") or [])
            for result in one.get("result") or []
        )
        for one in annotations
    )


def _objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _data(task: Mapping[str, Any]) -> Mapping[str, Any]:
    data = task.get("data")
    return data if isinstance(data, dict) else task


def _control(path: Path, found: set[str], wanted: str) -> str:
    """The control that is meant."""
    if wanted and found and wanted not in found:
        raise LabelStudioError(f"{path} has no choices of a control `{wanted}`; it has {', '.join(sorted(found))}")
    if wanted or CONTROL in found or not found:
        return wanted or CONTROL
    if len(found) > 1:
        raise LabelStudioError(
            f"{path} has the choices of several controls: {', '.join(sorted(found))}. Name the one that holds the "
            "class with --control"
        )
    return found.pop()


def _task(row: Mapping[Any, Any], model: str, prefix: str) -> dict[str, Any]:
    place = quote(row["path"]) if "?" in prefix else row["path"]  # `#`, `&` or `%` in a name would end the address
    data = {"image": prefix + place, "image_id": row["image_id"], "path": row["path"]}
    if not row["label"]:
        return {"data": data}
    result = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [row["label"]]}}
    sure = round(float(row["confidence"]), 4)
    return {"data": data, "predictions": [{"model_version": model, "score": sure, "result": [result]}]}


def _answers(task: Mapping[str, Any]) -> Iterator[_Answer]:
    """Yield what was chosen in a task; a full export has annotations, a row of JSON-MIN holds the choices itself."""
    image_id = str(_data(task)["image_id"])
    if not isinstance(task.get("data"), dict):
        when, number = str(task.get("updated_at") or task.get("created_at") or ""), _number(task.get("annotation_id"))
        for control, value in task.items():
            labels = _chosen(value)
            if labels and control not in MIN_KEYS:
                who = _annotator(task.get("annotator"))
                yield _Answer(image_id, control, list(map(str, labels)), who, when, number)
        return
    for annotation in task.get("annotations") or []:
        if annotation.get("was_cancelled"):
            continue
        when = str(annotation.get("updated_at") or annotation.get("created_at") or "")
        for result in annotation.get("result") or []:
            labels = (result.get("value") or {}).get("choices") or []
            if result.get("type") == "choices" and labels:
                control, who = str(result.get("from_name", "")), _annotator(annotation.get("completed_by"))
                number = _number(annotation.get("id"))
                yield _Answer(image_id, control, list(map(str, labels)), who, when, number)


def _chosen(value: object) -> list[str]:
    """The choices in a cell of JSON-MIN: one text, or an object with several."""
    several = value.get("choices") if isinstance(value, dict) else None
    return [value] if isinstance(value, str) else several if isinstance(several, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _annotator(who: object) -> str:
    return str(who.get("email") or who.get("id", "")) if isinstance(who, dict) else str(who or "")
