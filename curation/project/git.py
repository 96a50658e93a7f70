"""The only door to git: the questions and actions that the pipeline needs, from the folder of the project.

The project may be a folder of a larger repository. All paths are relative to the project. Changes elsewhere in the
repository are ignored, so that the work on another project does not block this one.
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
        """Return the output of a git command; None when git is not installed or the command fails."""
        try:
            done = subprocess.run(
                ["git", *words], cwd=self.root, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
            )
        except FileNotFoundError:
            return None
        return done.stdout.rstrip("\n") if done.returncode == 0 else None

    @property
    def exists(self) -> bool:
        """Return True when the project lies in a git repository."""
        return self.run("rev-parse", "--is-inside-work-tree") == "true"

    @property
    def top(self) -> Path | None:
        """Return the root of the repository (of the current worktree), or None outside a repository."""
        found = self.run("rev-parse", "--show-toplevel")
        return Path(found).resolve() if found else None

    @property
    def prefix(self) -> str:
        """Return the folder of the project in the repository, such as `apps/photos`; "" when it is the root."""
        return (self.run("rev-parse", "--show-prefix") or "").strip("/")

    def head(self) -> str:
        """Return the commit that is checked out, or "" when there is none."""
        return self.run("rev-parse", "-q", "--verify", "HEAD") or ""

    def changed(self) -> list[str]:
        """Return the tracked files of the project that differ from the last commit, relative to the project."""
        status = self.run("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames", "--", ".") or ""
        start = f"{self.prefix}/" if self.prefix else ""
        return [row[3:].removeprefix(start) for row in status.split("\0") if row]  # git names them from its own root

    def commit(self, message: str, paths: Sequence[str]) -> bool:
        """Commit these files of the project and nothing else. Return False when git refuses (is user.name set?)."""
        if self.run("add", "-f", "--", *paths) is None:
            return False
        return self.run("commit", "-q", "-m", message, "--", *paths) is not None

    def has_tag(self, name: str) -> bool:
        """Return True when a tag with exactly this name exists."""
        return self.run("rev-parse", "-q", "--verify", f"refs/tags/{name}") is not None

    def person(self) -> str:
        """Return the user.name of git, or the login name."""
        name, mail = self.run("config", "user.name"), self.run("config", "user.email")
        if name:
            return f"{name} <{mail}>" if mail else name
        try:
            return getpass.getuser()
        except (OSError, KeyError):
            return "unknown"
