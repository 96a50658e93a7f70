"""Checks of the repository: git, DVC's remote, links, params.yaml, behaviour versions, and write access."""

import configparser
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from curation.cli.checks.check import Check, broken, note, ok
from curation.errors import CurationError

DEFAULT_LINKS = "reflink,copy"  # what DVC uses when cache.type is not set
FICLONE = 0x40049409  # Linux: share the blocks of another file
CODE = ("curation", "stages", "dvc.yaml", "params.yaml")


def no_project(root: Path) -> Check:
    """Say that there is no project to check."""
    found = f"{root} lies in no project: neither it nor a folder above holds both dvc.yaml and params.yaml"
    return note("project", found, "change to a folder of your project and run `curate doctor` again, to check it too")


def git(root: Path) -> Check:
    """Check that there is a git repository with a commit, and no new code that a temporary experiment would miss."""
    if _git(root, "rev-parse", "--verify", "HEAD") is None:
        return broken("git", "no repository with a commit", "git init && git add . && git commit -m 'Start'")
    branch = (_git(root, "rev-parse", "--abbrev-ref", "HEAD") or "").strip()
    changed = [line for line in (_git(root, "status", "--porcelain") or "").splitlines() if line]
    untracked = [line[3:] for line in changed if line.startswith("??") and line[3:].startswith(CODE)]
    if untracked:
        fix = f"git add {untracked[0]}: `dvc exp run --temp` and `--queue` do not see files that git does not know"
        return note("git", f"{branch}; {len(untracked)} new code file(s) are not in git, such as {untracked[0]}", fix)
    return ok("git", f"{branch}, {len(changed)} changed file(s)" if changed else f"{branch}, clean")


def dvc(root: Path) -> Check:
    """Check that DVC is installed, initialised here, and has a remote to push to."""
    if not (root / ".dvc").is_dir():
        return broken(
            "dvc", f"{root.resolve()} is not the root of a DVC repository", "run this in the repository's root"
        )
    if shutil.which("dvc") is None:
        return broken("dvc", "`dvc` is not on the PATH", "activate the environment: . .venv/bin/activate")
    config = _config(root)
    remotes = [name.removeprefix("'remote \"").removesuffix("\"'") for name in config if name.startswith("'remote")]
    default = config.get("core", {}).get("remote")
    if not remotes:
        fix = "dvc remote add -d store s3://BUCKET/PATH (or ssh://, gs://, azure://, a folder), then dvc push"
        return note("dvc", "no remote: the images and models are on this machine only", fix)
    if default is None:
        return note(
            "dvc", f"remotes {', '.join(remotes)}, none of them the default", f"dvc remote default {remotes[0]}"
        )
    return ok("dvc", f"remote {default}")


def links(root: Path) -> Check:
    """Check how DVC puts files from its cache into the workspace: copies need their space twice."""
    if not (root / ".dvc").is_dir():
        return note("links", "no DVC repository here", "run this in the repository's root")
    config = _config(root).get("cache", {})
    cache = Path(config.get("dir", ".dvc/cache"))
    cache = cache if cache.is_absolute() else root / ".dvc" / cache if "dir" in config else root / cache
    wanted = [kind.strip() for kind in config.get("type", DEFAULT_LINKS).split(",")]
    works = _working_links(cache, root)
    used = next((kind for kind in wanted if kind in works), "copy")
    found = f"{used} (asked for: {', '.join(wanted)}; this disk can: {', '.join(works)})"
    if used == "copy" and works != ["copy"]:
        better = ",".join(kind for kind in works if kind != "copy")
        fix = f"for many images: dvc config cache.type {better} && dvc checkout --relink (files become read-only)"
        return note("links", found, fix) if _bytes(cache) > 2**30 else ok("links", found)
    return ok("links", found)


def params(root: Path) -> Check:
    """Check that params.yaml is valid, and that the base model exists."""
    from curation.params import load

    try:
        values = load(root / "params.yaml")
    except CurationError as error:
        return broken("params", str(error), "fix that key in params.yaml")
    base = root / values.base_model
    if not base.exists() and values.base_model != "models/backbone.safetensors":
        fix = f"dvc checkout {values.base_model}, or dvc pull {values.base_model}, or set base_model back"
        return broken("params", f"base_model {values.base_model} does not exist", fix)
    return ok("params", f"{values.arch} at {values.image_size} px from {values.base_model}")


def behaviour(root: Path) -> Check:
    """Check that the results of the project were made by stages that behave as those of the installed library."""
    from curation.project import behaviour_versions as versions

    fix = "curate init --update, then dvc repro"
    try:
        found = versions.differences(root)
    except CurationError as error:
        return broken("behaviour", str(error), fix)
    if found:
        return broken("behaviour", f"{versions.FILE} is not the library's: {', '.join(map(str, found))}", fix)
    return ok("behaviour", f"{len(versions.VERSIONS)} stages behave as {versions.FILE} says")


def writable(root: Path) -> Check:
    """Check that the folders that stages write to are writable."""
    folders = [root / name for name in ("data", "models", "reports", ".cache", ".dvc") if (root / name).exists()]
    refused = [folder.name or "this folder" for folder in [root, *folders] if not os.access(folder, os.W_OK)]
    if refused:
        fix = "chown, chmod u+w, or mount them writable"
        return broken("writing", f"no permission to write in {', '.join(refused)}", fix)
    return ok("writing", "the stages can write where they must")


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _config(root: Path) -> dict[str, dict[str, str]]:
    """Return the DVC settings of this repository; config.local wins, as it does in DVC."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read([root / ".dvc/config", root / ".dvc/config.local"], encoding="utf-8")
    return {name: dict(parser[name]) for name in parser.sections()}


def _working_links(cache: Path, root: Path) -> list[str]:
    """Return the kinds of link that work from the cache to the workspace, best first; each is tried."""
    cache = next(folder for folder in (cache, *cache.parents) if folder.is_dir())  # DVC makes it at the first add
    works = []
    with tempfile.TemporaryDirectory(dir=cache) as there, tempfile.TemporaryDirectory(dir=root / ".dvc") as here:
        source = Path(there) / "source"
        source.write_bytes(b"x" * 4096)
        for kind, link in (("reflink", _reflink), ("hardlink", os.link), ("symlink", os.symlink)):
            try:
                link(source, Path(here) / kind)
            except OSError:
                continue
            works.append(kind)
    return [*works, "copy"]


def _reflink(source: Path, target: Path) -> None:
    """Ask the system for what `cp --reflink` does; no lock is taken, and Python has no other call for it."""
    try:
        import fcntl
    except ImportError:
        raise OSError("no reflinks on this system") from None
    with source.open("rb") as old, target.open("wb") as new:
        fcntl.ioctl(new.fileno(), FICLONE, old.fileno())


def _bytes(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in folder.rglob("*") if entry.is_file())


REPOSITORY_CHECKS = (git, dvc, links, params, behaviour, writable)
