"""Temporary projects under git and DVC: real repositories, and commands in them.

`dvc init` takes a second. It runs once in a process, and each repository gets a copy of the files that it wrote.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

import pandas as pd
from moving import run_while_it_moves

from curation.tables import Table
from factories import tables as made

BIN = Path(sys.executable).parent
FOLDER = tempfile.TemporaryDirectory(prefix="dvc-init-")  # it goes with the process
DVC_FILES = (".dvc/config", ".dvc/.gitignore", ".dvcignore")
Files = Mapping[str, str | bytes]


@dataclass
class Repository:
    """A folder that commands are run in; `env` is what they see."""

    root: Path
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @classmethod
    def start(cls, root: Path, files: Files | None = None, top: Path | None = None) -> Self:
        """Git and DVC in the folder `root`, with these files committed, and no others that may lie there.

        With `top`, the folder is a DVC project of its own in the git repository at `top`, which may exist already.
        """
        root.mkdir(parents=True, exist_ok=True)
        one = cls(root)
        if not (top and (top / ".git").exists()):
            start_git(top or root)
        shutil.copytree(_dvc_files(below=top is not None), root, dirs_exist_ok=True)
        one.write(files or {})
        one.run("git", "add", *DVC_FILES, *(files or {}))
        one.run("git", "commit", "-q", "-m", "start")
        return one

    def run(self, *command: str | Path, code: int = 0) -> str:
        """Run a command in the folder, check its exit code, and give what it printed."""
        return self._run(command, code, subprocess.STDOUT)

    def json(self, *command: str | Path) -> Any:
        """What a command prints on stdout as JSON; what it says to people on stderr is left out."""
        return json.loads(self._run(command, 0, subprocess.DEVNULL))

    def _run(self, command: Sequence[str | Path], code: int, stderr: int) -> str:
        program = BIN / command[0]
        line = [program if program.exists() else command[0], *command[1:]]
        done, said = run_while_it_moves(line, self.root, self.env, stderr)
        assert done == code, f"{' '.join(map(str, command))} -> {done}\n{said[-6000:]}"
        return said

    def write(self, files: Files) -> None:
        """Write these files, named from the folder."""
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def replace(self, name: str, old: str, new: str) -> None:
        """Change a text in a file; it must be there."""
        path = self.root / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1))

    def write_table(self, table: Table, rows: made.Rows, **columns: object) -> pd.DataFrame:
        """Write a table of the project, as `factories.tables.write` does."""
        return made.write(self.root, table, rows, **columns)

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables of data/."""
        return pd.read_parquet(self.root / "data" / f"{name}.parquet")

    def commit(self, message: str) -> None:
        """Commit everything in the folder that is not ignored."""
        self.run("git", "add", "-A", ".")
        self.run("git", "commit", "-q", "--allow-empty", "-m", message)


def start_git(top: Path) -> None:
    """A git repository in which Ada works."""
    top.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", "-b", "main", top], check=True)
    with (top / ".git/config").open("a") as config:
        config.write("[user]\n\tname = Ada\n\temail = ada@example.org\n[commit]\n\tgpgsign = false\n")


@cache
def _dvc_files(below: bool) -> Path:
    """The files that `dvc init` writes."""
    top = Path(FOLDER.name) / ("below" if below else "whole")
    root = top / "project" if below else top
    root.mkdir(parents=True)
    start_git(top)
    subprocess.run([BIN / "dvc", "init", "-q", *(["--subdir"] if below else [])], cwd=root, check=True)
    kept = Path(f"{top}-files")
    for name in DVC_FILES:
        (kept / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, kept / name)
    return kept
