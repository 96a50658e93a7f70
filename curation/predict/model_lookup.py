"""Which model to ask: the candidate, production, a file, or any version that git and DVC know; with its calibration.

A calibration belongs to one checkpoint, and names it by its MD5. It is looked for beside the file
(`NAME.calibration.json`, where `curate promote` puts production's), then at the stage's own place. Where none belongs
to the model, raw softmax is used, and said.
"""

from dataclasses import dataclass
from pathlib import Path

from curation.errors import CurationError
from curation.files import whole
from curation.predict.calibration import Calibration
from curation.predict.decode import content_id, one_line

CANDIDATE = Path("models/candidate.safetensors")
PRODUCTION = Path("models/production.safetensors")
CALIBRATION = Path("data/calibration.json")
FETCHED = Path(".cache/curation/models")


class ModelError(CurationError):
    """A model that can't be found, or that can't classify."""


@dataclass(frozen=True)
class Model:
    """A checkpoint with its digest (MD5, as DVC's), classes, input size in pixels and calibration."""

    path: Path
    digest: str
    classes: tuple[str, ...]
    size: int
    calibration: Calibration
    calibrated: bool = True
    throwaway: bool = False


def open_model(path: Path, calibration: Path = CALIBRATION) -> Model:
    """Read a checkpoint's facts and find the calibration that belongs to it."""
    from curation.model.header import read_header

    header = read_header(path)
    if not header.has_head:
        raise ModelError(f"{path} is a backbone without classes, and names nothing: run `dvc repro train` and ask it")
    digest = content_id(path)
    found = _calibration((path.with_suffix(".calibration.json"), calibration), digest)
    fallback = Calibration(classes=tuple(header.classes), model=digest)
    return Model(
        path=path,
        digest=digest,
        classes=tuple(header.classes),
        size=header.image_size,
        calibration=found or fallback,
        calibrated=found is not None,
        throwaway=header.throwaway,
    )


def resolve(name: str) -> Model:
    """Find `candidate`, `production`, a path, or a git revision or DVC experiment, whose candidate is fetched."""
    if name == "candidate":
        return open_model(CANDIDATE)
    if name == "production":
        return open_model(PRODUCTION)
    path = Path(name)
    if path.exists():
        return open_model(path)
    if path.suffix == ".safetensors":
        raise ModelError(f"{name} does not exist: name a checkpoint, `candidate`, `production`, or a git revision")
    folder = fetch([CANDIDATE, CALIBRATION], name)
    return open_model(folder / CANDIDATE, folder / CALIBRATION)


def fetch(paths: list[Path], revision: str) -> Path:
    """Copy files as they were in a git revision or DVC experiment to a folder of the cache; returns that folder."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import SCMError

    try:
        with Repo(".", uninitialized=False) as repo:
            commit = _commit(repo, revision)
        folder = FETCHED / commit
        with Repo(".", rev=commit) as repo:
            for path in paths:
                if not (folder / path).exists():
                    _copy(repo, path, folder / path)
    except (DvcException, SCMError, FileNotFoundError) as error:
        raise ModelError(
            f"--model or --rev {revision}: {one_line(error)}. Expected candidate, production, a .safetensors "
            "file, or a git revision or experiment whose files are in the DVC cache (`dvc exp list`, `dvc pull`)"
        ) from None
    return folder


def _calibration(places: tuple[Path, ...], digest: str) -> Calibration | None:
    found = (Calibration.read(place) for place in places if place.exists())
    return next((calibration for calibration in found if calibration.model == digest), None)


def _commit(repo: object, revision: str) -> str:
    from dvc.scm import resolve_rev

    return str(resolve_rev(repo.scm, revision))  # type: ignore[attr-defined]


def _copy(repo: object, path: Path, target: Path) -> None:
    with whole(target) as draft:
        repo.dvcfs.get_file(path.as_posix(), str(draft))  # type: ignore[attr-defined]
