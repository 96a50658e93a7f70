"""The only door to DVC: its commands, dvc.lock, its .dvc files, and the MD5s that it has computed already.

dvc.lock says what `dvc repro` ran with last. It is faster to read than `dvc status`, and it answers the questions that
matter here. The code of DVC is imported late, because that takes a second.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from curation.errors import in_words
from curation.files.parsed import parse_yaml
from curation.project.places import Places, ProjectError


def md5_of(path: Path) -> str:
    """Return the MD5 of a file in hex, as DVC computes it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def pointer(path: Path) -> Path:
    """Return the path of the .dvc file by which DVC tracks a file."""
    return path.with_name(f"{path.name}.dvc")


def pointer_text(path: Path, md5: str, size: int) -> str:
    """Return the text of the .dvc file by which DVC tracks a file with this MD5 and size."""
    return f"outs:\n- md5: {md5}\n  size: {size}\n  hash: md5\n  path: {path.name}\n"


@dataclass(frozen=True)
class Dvc:
    """DVC, run in the folder `root`."""

    root: Path

    @property
    def exists(self) -> bool:
        """Return True when DVC is set up in this folder."""
        return (self.root / ".dvc").is_dir()

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

    def store(self, path: Path, md5: str) -> None:
        """Put a file with this MD5 into the cache of DVC."""
        from dvc.fs import localfs

        with self._repo() as repo:
            repo.cache.local.add(os.fspath(path), localfs, md5)

    def fetch(self, md5s: Iterable[str]) -> None:
        """Bring files into the cache of DVC, from its remote when it does not have them. ProjectError without them."""
        from dvc_data.hashfile.hash_info import HashInfo

        with self._repo() as repo:
            cache = repo.cache.local
            missing = [md5 for md5 in md5s if not cache.exists(md5)]
            if missing:
                repo.cloud.pull([HashInfo("md5", md5) for md5 in missing])
            if lost := [md5 for md5 in missing if not cache.exists(md5)]:
                raise ProjectError(
                    f"the file with the MD5 {lost[0]} is neither in the cache of DVC nor in its remote, so `dvc pull` "
                    "can't bring it. Push it from the machine that made it (`dvc push --all-commits`)"
                )

    def place(self, md5: str, path: Path) -> None:
        """Put a file of the cache at a free path, as `dvc checkout` does: linked or copied, by `cache.type`."""
        from dvc.fs import localfs

        with self._repo() as repo:
            source, kinds = repo.cache.local.oid_to_path(md5), list(repo.cache.local.cache_types)
        for kind in kinds:
            try:
                shutil.copyfile(source, path) if kind == "copy" else getattr(localfs, kind)(source, os.fspath(path))
                break
            except OSError as error:
                path.unlink(missing_ok=True)
                if kind == kinds[-1] or error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise
        if (found := md5_of(path)) != md5:
            raise ProjectError(f"the cache of DVC holds other bytes for {md5} (their MD5 is {found}); run `dvc fetch`")

    @contextmanager
    def _repo(self) -> Iterator[Any]:
        """Open the repository in DVC's library. What it refuses is a ProjectError."""
        from dvc.exceptions import DvcException
        from dvc.repo import Repo

        try:
            with Repo(os.fspath(self.root)) as repo:
                yield repo
        except DvcException as error:
            raise ProjectError(f"DVC refused: {error}; run `dvc pull` to see what it says") from None

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
