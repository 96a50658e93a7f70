"""How the product reads each kind of file that the fuzzer makes, and what it does next with what it accepted."""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from factories.tables import identified as identified_rows
from factories.tables import images as images_rows

from campaigns.samples import FILES, IMAGE_IDS, NOON, calibration
from curation import tables
from curation.decisions.fold import fold, pairs
from curation.decisions.log import append_reviews, read_reviews
from curation.errors import CurationError
from curation.files.append_only import append_lines, read_json
from curation.files.journal import Journal
from curation.images.collection.metadata import facts_of, read_metadata
from curation.images.opening import decode
from curation.labelling import cvat as cvat_files
from curation.labelling.accept import Stamp, accept_rest, read_picks
from curation.labelling.imported import Choice, new_decisions, refuse_new_classes
from curation.labelling.label_studio import read_annotations
from curation.labelling.metadata_sheets import read_sheet
from curation.labelling.moves import Manifest
from curation.model import checkpoint
from curation.model.header import read_header
from curation.params import load
from curation.pool.precision import audits as audits_room
from curation.predict.calibration import Calibration
from curation.project.behaviour_versions import FILE as BEHAVIOUR
from curation.project.behaviour_versions import differences
from curation.project.dvc import Dvc
from curation.review.guard import bodies
from curation.selection.groups.capture_times import seconds_of_times
from curation.selection.renewal.benchmark_renewals import moved, read_renewals

ROOT = Path(__file__).resolve().parents[2]
CLASSES = {"cat", "dog"}


def records(rows: list[list[str]]) -> list[dict[str, str]]:
    """A table with a header as one object a row."""
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


@cache
def shipped(text: bytes) -> Any:
    """The values of a YAML text."""
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(text.decode())


def params(path: Path) -> None:
    """Read params.yaml."""
    load(path)


def behaviour(path: Path) -> None:
    """Read stages/behaviour.yaml of a project."""
    differences(_as(path, BEHAVIOUR))


def lock(path: Path) -> None:
    """Read dvc.lock, and what the stages read and wrote last."""
    dvc = Dvc(_as(path, Path("dvc.lock")))
    dvc.sources()


def reviews(path: Path) -> None:
    """Read the log, fold it, and add a row to it."""
    log = read_reviews(path)
    fold(log)
    pairs(log)
    append_reviews(path, [{"image_id": IMAGE_IDS[0], "decision": "keep"}])
    if len(read_reviews(path)) != len(log) + 1:
        raise AssertionError("a row that was added can't be read")


def metadata(path: Path) -> None:
    """Read a metadata file as `ingest` does; then write it back as a move of files does, and read it again."""
    files = {name: name for name in FILES}
    cells = read_metadata(path, files)
    times = pd.Series([facts_of(one).captured_at for one in cells.values()], dtype="str")
    seconds_of_times(times)
    try:
        path.write_bytes(read_sheet(path).data(path))
        again = read_metadata(path, files)
    except CurationError as error:
        if path.suffix == ".parquet":  # a damaged table may be read row by row, and not as a whole
            return
        raise AssertionError(f"a sheet that ingest reads can't be written back: {error}") from error
    if again != cells:
        raise AssertionError(f"a sheet that was written back says something else: {again}, not {cells}")


def label_studio(path: Path) -> None:
    """Import an export: its choices become rows of the log, which are read."""
    _import(path, read_annotations(path).choices)


def cvat(path: Path) -> None:
    """Import the tags of a file: they become rows of the log, which are read."""
    known = {f"data/unlabelled/{one}.png": one for one in IMAGE_IDS}
    cvat_files.read_written(path, known)
    _import(path, {one: Choice(label) for one, label in cvat_files.read_tags(path, known).chosen.items()})


def picks(path: Path) -> None:
    """Read a list of picks, and accept the rest of it as predicted."""
    chosen = read_picks(path, identified_rows(*({"image_id": one} for one in IMAGE_IDS)))
    rows = accept_rest(chosen, set(), "predicted", Stamp("ann", "c0ffee"))
    refuse_new_classes({row["label"] for row in rows}, CLASSES, allowed=True)
    _record(path, rows)


def header(path: Path) -> None:
    """Read the facts of a checkpoint, and how its pixels were made."""
    _ = read_header(path).known


def weights(path: Path) -> None:
    """Load a checkpoint, and load it as the weights of a stranger."""
    try:
        checkpoint.load(path)
    finally:
        checkpoint.foreign_state(path)


def foreign(path: Path) -> None:
    """Load weights of torch."""
    checkpoint.foreign_state(path)


def picture(path: Path) -> None:
    """Open an image, in full and reduced."""
    data = path.read_bytes()
    try:
        decode(data, "input", reduce_to=8)
    except MemoryError:  # `ingest` names the file: the engine's guard ends the worker, and says how much it needed
        raise CurationError("it needs more memory than it may have") from None


def table(path: Path) -> None:
    """Read a table of the project."""
    tables.read(path, tables.IMAGES)


def journal(path: Path) -> None:
    """Read a manifest of moves."""
    root = _as(path, Path("trash/1/manifest.jsonl"))
    Manifest(root / "trash/1", root).places()


def transaction(path: Path) -> None:
    """Read the journal of a transaction that was interrupted."""
    root = _as(path, Path("transaction/journal.json"))
    Journal(root, root / "transaction", lambda _: []).unfinished()


def log(path: Path) -> None:
    """Read an append-only log, add a line, and read it again."""
    count = len(list(read_json(path)))
    append_lines(path, ['{"a": 1}'])
    if len(list(read_json(path))) != count + 1:
        raise AssertionError("a line that was added can't be read")


def renewals(path: Path) -> None:
    """Read the log of renewals."""
    moved(read_renewals(path))


def calibration_file(path: Path) -> None:
    """Read a calibration, and use it as `identify` does."""
    import numpy as np

    found = Calibration.read(path)
    found.probabilities(np.zeros((2, len(found.classes))))
    found.threshold_for(0.9)


def audits(path: Path) -> None:
    """Read data/audits.json, and say what it says."""
    for one in audits_room.read(path):
        str(audits_room.counted(one, read_reviews(path.with_name("none.csv"))))


def audits_sample() -> Any:
    """A file of audits."""
    one = {"model": "c0ffee", "min_conf": 0.5, "of_class": "", "seed": 0, "max_ood_score": 0.9, "proposals": 4}
    return {"audits": [{**one, "drawn": dict.fromkeys(IMAGE_IDS, "cat"), "decided": 0, "right": 0}]}


def calibration_sample() -> Any:
    """A file of calibration, with all of its parts."""
    import tempfile

    fitted, reference, answered = calibration()
    with tempfile.TemporaryDirectory() as folder:
        fitted.write(Path(folder) / "calibration.json")
        values = json.loads((Path(folder) / "calibration.json").read_text(encoding="utf-8"))
    return {
        **values,
        "top": {"weights": [1.0, 0.1], "mean": [0.0], "scale": [1.0]},
        "ood": reference,
        "like": {name: list(column) for name, column in vars(answered).items()},
    }


def request(path: Path) -> None:
    """Check the body of a request to the App."""
    bodies.check(bodies.parse(path.read_bytes()), "photos", "1")


@cache
def torch_files() -> list[bytes]:
    """Weights as torch saves them."""
    stream = io.BytesIO()
    torch.save({"state_dict": {"fc.weight": torch.ones(2, 2)}}, stream)
    return [stream.getvalue()]


@cache
def table_files() -> list[bytes]:
    """A table of the project."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.parquet"
        tables.write(images_rows(3), path, tables.IMAGES)
        return [path.read_bytes()]


def _import(path: Path, made: dict[str, Choice]) -> None:
    known = {one: choice for one, choice in made.items() if one in IMAGE_IDS}
    log = path.with_name("import.csv")
    log.unlink(missing_ok=True)
    found = new_decisions(known, read_reviews(log), Stamp("ann", "c0ffee", NOON), "a tool")
    refuse_new_classes({row["label"] for row in found.rows}, CLASSES, allowed=True)
    _record(path, found.rows)


def _record(path: Path, rows: list[dict[str, str]]) -> None:
    log = path.with_name("import.csv")
    log.unlink(missing_ok=True)
    append_reviews(log, rows)
    if len(fold(read_reviews(log))) != len(rows):
        raise AssertionError("a decision that was taken can't be read")


def _as(path: Path, place: Path) -> Path:
    """Put the input where a project has it; the folder of the project."""
    root = path.parent / "project"
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).write_bytes(path.read_bytes())
    return root
