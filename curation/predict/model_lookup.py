"""Which model to ask: the candidate, production, a file, or any version that git and DVC know; with its calibration.

A calibration belongs to one checkpoint, and names it by its MD5. It is looked for beside the file
(`NAME.calibration.json`, where `curate promote` puts production's), then at the stage's own place. Where none belongs
to the model, raw softmax is used, and said.
"""

from dataclasses import dataclass
from pathlib import Path

from curation.errors import CurationError
from curation.images.store.model_input import ModelInput
from curation.predict.calibration import Calibration
from curation.predict.decode import content_id
from curation.project import Project, RevisionError


class ModelError(CurationError):
    """A model that can't be found, or that can't classify."""


@dataclass(frozen=True)
class Model:
    """A checkpoint with its digest (MD5, as DVC's), classes, how its pixels are made, and its calibration."""

    path: Path
    digest: str
    classes: tuple[str, ...]
    input: ModelInput
    calibration: Calibration
    calibrated: bool = True
    throwaway: bool = False


def open_model(path: Path, *calibrations: Path) -> Model:
    """Read a checkpoint's facts, and find the calibration that belongs to it beside it or among `calibrations`."""
    from curation.model.header import read_header

    header = read_header(path)
    if not header.has_head:
        raise ModelError(f"{path} is a backbone without classes, and names nothing: run `dvc repro train` and ask it")
    digest = content_id(path)
    found = _calibration((path.with_suffix(".calibration.json"), *calibrations), digest)
    fallback = Calibration(classes=tuple(header.classes), model=digest)
    return Model(
        path=path,
        digest=digest,
        classes=tuple(header.classes),
        input=header.input,
        calibration=found or fallback,
        calibrated=found is not None,
        throwaway=header.throwaway,
    )


def resolve(project: Project, name: str) -> Model:
    """Find `candidate`, `production`, a path, or a git revision or DVC experiment, whose candidate is fetched.

    A path is relative to the working directory, as a person types it.
    """
    if name == "candidate":
        return open_model(project.candidate, project.calibration)
    if name == "production":
        return open_model(project.production, project.calibration)
    path = Path(name)
    if path.exists():
        return open_model(path, project.calibration)
    if path.suffix == ".safetensors":
        raise ModelError(f"{name} does not exist: name a checkpoint, `candidate`, `production`, or a git revision")
    try:
        before = project.at(name)
        return open_model(before.file(project.candidate), before.file(project.calibration))
    except RevisionError as error:
        raise ModelError(
            f"--model {name}: {error}. Expected candidate, production, a .safetensors file, or a git revision or "
            "experiment whose files are in the DVC cache (`dvc exp list`, `dvc pull`)"
        ) from None


def _calibration(places: tuple[Path, ...], digest: str) -> Calibration | None:
    found = (Calibration.read(place) for place in places if place.exists())
    return next((calibration for calibration in found if calibration.model == digest), None)
