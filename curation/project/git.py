"""The one door to git: the few questions and acts that the pipeline needs, from the folder of the project.

The project may be a folder of a larger repository. Paths given and returned are relative to the project, and what
changes elsewhere in the repository is not looked at: another project's work must not stand in the way of this one's.
"""

import getpass
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Git:
    """git, run in the folder `root`."""

    root: Path

    def run(self, *words: str) -> str | None:
        """Give the output of a git command, None where git is absent or refuses."""
        try:
            done = subprocess.run(
                ["git", *words], cwd=self.root, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
            )
        except FileNotFoundError:
            return None
        return done.stdout.rstrip("\n") if done.returncode == 0 else None

    @property
    def exists(self) -> bool:
        """Whether the project lies in a git repository."""
        return self.run("rev-parse", "--is-inside-work-tree") == "true"

    @property
    def top(self) -> Path | None:
        """The root of the repository (of the worktree, where it has several); None outside of one."""
        found = self.run("rev-parse", "--show-toplevel")
        return Path(found).resolve() if found else None

    @property
    def prefix(self) -> str:
        """The folder of the project in the repository, such as `apps/photos`; "" where it is the whole of it."""
        return (self.run("rev-parse", "--show-prefix") or "").strip("/")

    def head(self) -> str:
        """The commit that is checked out, "" where there is none."""
        return self.run("rev-parse", "-q", "--verify", "HEAD") or ""

    def changed(self) -> list[str]:
        """Tracked files of the project that differ from the last commit, relative to the project."""
        status = self.run("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames", "--", ".") or ""
        start = f"{self.prefix}/" if self.prefix else ""
        return [row[3:].removeprefix(start) for row in status.split("\0") if row]  # git names them from its own root

    def commit(self, message: str, paths: Sequence[str]) -> bool:
        """Commit these files of the project and nothing else; False where git refuses (is user.name set?)."""
        if self.run("add", "-f", "--", *paths) is None:
            return False
        return self.run("commit", "-q", "-m", message, "--", *paths) is not None

    def has_tag(self, name: str) -> bool:
        """Whether a tag of exactly this name exists."""
        return self.run("rev-parse", "-q", "--verify", f"refs/tags/{name}") is not None

    def person(self) -> str:
        """Who runs this: git's user, else the login name."""
        name, mail = self.run("config", "user.name"), self.run("config", "user.email")
        if name:
            return f"{name} <{mail}>" if mail else name
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return "unknown"
