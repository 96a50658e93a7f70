"""The only door to git: the questions and actions that the pipeline needs, from the folder of the project.

The project may be a folder of a larger repository. All paths are relative to the project. Changes elsewhere in the
repository are ignored, so that the work on another project does not block this one.
"""

import errno
import getpass
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from curation.files.steps import inside

FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "Out of diskspace")  # in what git says on a full disk
ROOM = 2**20  # bytes free: with less, git fails in many words


@dataclass(frozen=True)
class Git:
    """git, run in the folder `root`."""

    root: Path

    def run(self, *words: str) -> str | None:
        """Return the output of a git command; None when git is not installed or the command fails."""
        done = self._run(*words)
        return done.stdout.rstrip("\n") if done and done.returncode == 0 else None

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

    def commit(self, message: str, paths: Sequence[str]) -> str:
        """Commit these files of the project and nothing else. Return what git says when it refuses, else "".

        OSError where the disk is full; nothing is staged then.
        """
        with self._index_kept():
            for words in (["add", "-f", "--", *paths], ["commit", "-q", "-m", message, "--", *paths]):
                done = self._run(*words)
                if done is None:
                    return "git is not installed"
                if done.returncode:
                    said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
                    if any(words in said for words in FULL) or shutil.disk_usage(self.root).free < ROOM:
                        raise OSError(errno.ENOSPC, f"git could not commit ({said})", os.fspath(self.root))
                    return said
        return ""

    @contextmanager
    def _index_kept(self) -> Iterator[None]:
        """Put the index of git back when the block raises; a full disk has no room for `git reset`."""
        index = self.root / (self.run("rev-parse", "--git-path", "index") or "index")
        kept = index.with_name("index.before-curate")
        kept.unlink(missing_ok=True)
        with suppress(OSError):
            os.link(index, kept)  # git never changes the file: it puts a new one in its place
        try:
            yield
        except BaseException:
            if kept.exists():
                kept.replace(index)
            raise
        finally:
            kept.unlink(missing_ok=True)

    def record(self, message: str, paths: Sequence[str], tags: Sequence[Sequence[str]]) -> list[str]:
        """Commit these files and make annotated tags, each a name and a revision. Return what is to be said of it.

        What exists already is not made again, so that a killed run can be completed. Without the commit there is no
        tag.
        """
        there = [path for path in paths if inside(path) and (self.root / path).exists()]
        if self.run("diff", "--quiet", "HEAD", "--", *there) is None or self._untracked(there):
            if refused := self.commit(message, there):
                by_hand = f"git add -f {' '.join(there)} && git commit -m '{message}' && curate versions --register"
                return [f"git refused to commit ({refused}). Mend that, and run this yourself: {by_hand}"]
            said = [f"Committed: {message}"]
        else:
            said = []
        return said + [f"Tagged {name}" for name, revision in tags if self.tag(name, revision, message)]

    def tag(self, name: str, revision: str, message: str) -> bool:
        """Make an annotated tag. Return False when it exists, or git refuses."""
        named = not name.startswith("-") and not self.has_tag(name)
        return named and self.run("tag", "-a", "-m", message, name, f"{revision}^{{commit}}") is not None

    def tags(self, pattern: str) -> list[str]:
        """Return the names of the tags that fit a pattern."""
        return (self.run("tag", "--list", pattern) or "").splitlines()

    def commit_of(self, revision: str) -> str:
        """Return the commit of a revision or tag, or "" when there is none."""
        return self.run("rev-parse", "-q", "--verify", f"{revision}^{{commit}}") or ""

    def ignores(self, path: str) -> bool:
        """Return True when a file of the project is ignored by git."""
        return self.run("check-ignore", "-q", "--", path) is not None

    def _run(self, *words: str) -> subprocess.CompletedProcess[str] | None:
        command, env, nothing = ["git", *words], {**os.environ, "LC_ALL": "C"}, subprocess.DEVNULL
        try:
            return subprocess.run(
                command, cwd=self.root, env=env, stdin=nothing, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            return None

    def _untracked(self, paths: Sequence[str]) -> bool:
        return bool(set(paths) - set((self.run("ls-files", "-z", "--", *paths) or "").split("\0")))

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
