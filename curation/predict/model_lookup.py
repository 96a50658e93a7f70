"""Find a model by name: the candidate, production, a file, or a version that git and DVC know.

The calibration is found with it. A calibration belongs to one checkpoint and holds the MD5 of that checkpoint. It is
searched beside the model file (`NAME.calibration.json`, where `curate promote` puts it), then among the outputs of the
stage `evaluate`. When no calibration belongs to the model, the raw softmax is used and the user is told.
"""

from dataclasses import dataclass
from pathlib import Path

from curation.errors import CurationError
from curation.images.store.model_input import ModelInput
from curation.predict.calibration import Calibration
from curation.predict.decode import content_id
from curation.project import Project, RevisionError


class ModelError(CurationError):
    """A model can't be found, or it can't classify."""


@dataclass(frozen=True)
class Model:
    """A checkpoint with its MD5, its classes, the way its pixels are made, and its calibration."""

    path: Path
    digest: str
    classes: tuple[str, ...]
    input: ModelInput
    calibration: Calibration
    calibrated: bool = True
    throwaway: bool = False


def open_model(path: Path, *calibrations: Path) -> Model:
    """Read the header of a checkpoint, and find its calibration beside it or among `calibrations`.

    Raises ModelError when the file can't be used as a classifier.
    """
    from curation.model.header import read_header

    header = read_header(path)
    if not header.has_head:
        raise ModelError(
            f"{path} is a backbone without classes, so it can't classify: run `dvc repro train` and use the candidate"
        )
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
    """Find the model that `name` means, and fetch it from DVC when that is needed.

    `name` is `candidate`, `production`, a path relative to the working directory, or a git revision or DVC experiment,
    which means its candidate. Raises ModelError when there is no such model.
    """
    if name == "candidate":
        return open_model(project.candidate, project.calibration)
    if name == "production":
        return open_model(project.production, project.calibration)
    path = Path(name)
    if path.exists():
        return open_model(path, project.calibration)
    if path.suffix == ".safetensors":
        raise ModelError(f"{name} does not exist: give a checkpoint, `candidate`, `production`, or a git revision")
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
