"""Checks of the machine: Python, torch and its device, the FiftyOne database, the optional packages, and the disk."""

import shutil
import sys
from importlib import metadata, util
from pathlib import Path

from curation.cli.checks.check import Check, broken, note, ok
from curation.engine.processes import count

OLDEST_PYTHON = (3, 11)
LITTLE_DISK, TIGHT_DISK = 2**30, 10 * 2**30  # bytes free: nothing works well below the first; the second is a warning
OPTIONAL = {
    "review": "fiftyone",
    "tune": "optuna",
    "tensorboard": "tensorboard",
    "mlflow": "mlflow",
    "timm": "timm",
    "pdq": "pdqhash",
    "descriptor": "onnxruntime",
    "heic": "pillow_heif",
    "raw": "rawpy",
    "dicom": "pydicom",
    "jxl": "pillow_jxl",
}


def python(_: Path) -> Check:
    """Check that Python is new enough, and that the stages will run with the same one."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < OLDEST_PYTHON:
        return broken("python", version, "use Python 3.11 or newer: make setup PYTHON=python3.12")
    found = f"{version}, {count(0)} cores"
    stages = shutil.which("python")
    if stages is None or Path(stages).parent.resolve() != (Path(sys.prefix) / "bin").resolve():
        fix = "activate the environment first, so that DVC's stages run in it: . .venv/bin/activate"
        return note("python", f"{found}; but `python` is {stages or 'not on the PATH'}", fix)
    return ok("python", found)


def torch(_: Path) -> Check:
    """Check that torch can be imported, and say on which device it computes."""
    try:
        from curation.model import device

        found = device.choose(announce=False)
    except (ImportError, OSError, RuntimeError) as error:
        fix = "install it again: pip install --force-reinstall torch torchvision"
        return broken("torch", f"{type(error).__name__}: {error}", fix)
    text = f"{metadata.version('torch')} on {found.describe()}"
    if found.is_cuda:
        return ok("torch", text)
    cause = "nvidia-smi is there, but torch sees no GPU" if shutil.which("nvidia-smi") else "no GPU"
    fix = "compare the driver in `nvidia-smi` with torch's CUDA version" if shutil.which("nvidia-smi") else ""
    return note("torch", f"{text}; {cause}", fix) if fix else ok("torch", f"{text} ({cause}: training is slower)")


def hashes(_: Path) -> Check:
    """Check that the hashes of one image agree with imagehash, with the installed libraries."""
    import imagehash
    import numpy as np
    from PIL import Image

    from curation.images.hashing import METHODS, dihedral

    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8))
    theirs = {"ahash": imagehash.average_hash} | {kind: getattr(imagehash, kind) for kind in METHODS if kind != "ahash"}
    wrong = [
        k for k in METHODS if dihedral(picture, k, 64)[0].tobytes() != np.packbits(theirs[k](picture).hash).tobytes()
    ]
    version = metadata.version("imagehash")
    if wrong:
        fix = "install the libraries that this version was tested with: pip install --upgrade curation"
        return broken("hashes", f"{', '.join(wrong)} differ from those of imagehash {version}", fix)
    return ok("hashes", f"{', '.join(METHODS)} are those of imagehash {version}")


def mongod(_: Path) -> Check:
    """Check the database program of FiftyOne; without it only the review does not work."""
    from curation.review import mongod as database

    state = database.inspect()
    return ok("fiftyone", state.found) if state.ok else note("fiftyone", state.found, state.fix)


def extras(_: Path) -> Check:
    """Say which optional packages are installed."""
    missing = [name for name, module in OPTIONAL.items() if util.find_spec(module) is None]
    present = [name for name in OPTIONAL if name not in missing]
    found = ", ".join(present) or "none"
    if missing:  # nobody needs all of them: no reason for a note
        found += f"; to have more: pip install -e '.[{','.join(missing)}]'"
    return ok("extras", found)


def disk(root: Path) -> Check:
    """Check the free space on the disk that holds the data."""
    usage = shutil.disk_usage(root)
    found = f"{usage.free / 2**30:.1f} GiB free of {usage.total / 2**30:.0f}"
    if usage.free < LITTLE_DISK:
        fix = (
            "free some: `dvc gc --workspace` drops old versions of the data from this machine's cache (push them first)"
        )
        return broken("disk", found, fix)
    if usage.free < TIGHT_DISK:
        return note(
            "disk", found, "`dvc push`, then `dvc gc --workspace`, drops old versions from this machine's cache"
        )
    return ok("disk", found)


MACHINE_CHECKS = (python, torch, hashes, mongod, extras, disk)
