"""The only door to DVC: its commands, dvc.lock, its .dvc files, and the MD5s that it has computed already.

dvc.lock says what `dvc repro` ran with last. It is faster to read than `dvc status`, and it answers the questions that
matter here. The code of DVC is imported late, because that takes a second.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from curation.errors import in_words
from curation.files import write_text
from curation.files.parsed import parse_yaml
from curation.project.places import Places, ProjectError


def md5_of(path: Path) -> str:
    """Return the MD5 of a file in hex, as DVC computes it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@dataclass(frozen=True)
class Dvc:
    """DVC, run in the folder `root`."""

    root: Path

    @property
    def exists(self) -> bool:
        """Return True when DVC is set up in this folder."""
        return (self.root / ".dvc").is_dir()

    def run(self, *words: str) -> None:
        """Run a dvc command quietly. ProjectError with the output of DVC when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "dvc", *words, "-q"], cwd=self.root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ProjectError(f"`dvc {' '.join(words)}` failed: {done.stderr.strip() or done.stdout.strip()}")

    def stages(self) -> dict[str, Any]:
        """Return the stages of dvc.lock. ProjectError when there is no such file, or DVC did not write it."""
        path = Places(self.root).run_record
        if not path.exists():
            raise ProjectError(f"{path} does not exist: nothing was run here yet; run `dvc repro`")
        try:
            stages = parse_yaml(path.read_text(encoding="utf-8")).get("stages", {})
            for stage in stages.values():
                _md5s(stage, "deps"), _md5s(stage, "outs")
        except (YAMLError, UnicodeDecodeError, AttributeError, TypeError, KeyError) as error:
            raise ProjectError(
                f"{path} is not as DVC writes it ({in_words(error)}). After a merge, `git checkout --ours {path.name}` "
                "and `dvc repro` write it anew"
            ) from None
        return dict(stages)

    def inputs(self, stage: str) -> dict[str, str]:
        """Return what a stage read when it ran last: path -> MD5."""
        return _md5s(self.stages().get(stage, {}), "deps")

    def outputs(self, stage: str) -> dict[str, str]:
        """Return what a stage wrote when it ran last: path -> MD5."""
        return _md5s(self.stages().get(stage, {}), "outs")

    def sources(self) -> dict[str, str]:
        """Return what the last run was made from: path -> MD5 of every dep that no stage writes."""
        stages = self.stages()
        made = {path for stage in stages for path in self.outputs(stage)}
        used = {path: md5 for stage in stages for path, md5 in self.inputs(stage).items()}
        return {path: md5 for path, md5 in used.items() if path not in made}

    def point(self, path: Path, md5: str, size: int) -> None:
        """Write a .dvc file with this MD5 and size, and remove the current file; `fetch` brings the new one."""
        text = f"outs:\n- md5: {md5}\n  size: {size}\n  hash: md5\n  path: {path.name}\n"
        write_text(path.with_name(f"{path.name}.dvc"), text)
        path.unlink(missing_ok=True)

    def fetch(self, *pointers: str) -> None:
        """Bring files from the cache of DVC, or from its remote when the cache does not have them."""
        try:
            self.run("checkout", *pointers)
        except ProjectError:
            self.run("pull", *pointers)

    def known_md5s(self, paths: Sequence[str], stats: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Return the MD5s that DVC remembers of files, "" where it knows none.

        `stats` maps each path to its ino, mtime and size. Nothing is written and no command runs. On any error the
        result is that nothing is known.
        """
        if not self.exists:
            return [""] * len(paths)
        try:
            from dvc.repo import Repo

            with Repo(os.fspath(self.root)) as repo:
                answers = repo.state.get_many(list(paths), repo.fs, dict(stats))
                md5s = {path: hashed.value for path, _, hashed in answers if hashed and hashed.name == "md5"}
        except Exception:  # noqa: BLE001 - a shortcut through another program's files must never be what stops a run
            return [""] * len(paths)
        return [md5s.get(path, "") for path in paths]


def _md5s(stage: Mapping[str, Any], kind: str) -> dict[str, str]:
    """The MD5s of what a stage of dvc.lock read (`deps`) or wrote (`outs`), by path."""
    return {str(item["path"]): str(item.get("md5", "")) for item in stage.get(kind, [])}
