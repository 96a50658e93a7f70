"""Checks of what a killed process left: an unfinished transaction, drafts, locks, and versions without their tag.

Each check has a function that mends what it found; `curate doctor --mend` calls it.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from curation.cli.checks.check import Check, broken, note, ok
from curation.errors import CurationError
from curation.files.parsed import parse_json
from curation.files.whole_files import SUFFIX, is_abandoned, locked
from curation.project import Project
from curation.registry import register
from curation.registry.versions import Entry, read_log

MEND = "curate doctor --mend"
NOT_OURS = {".git", ".venv", ".dvc", "node_modules"}
RWLOCK = Path(".dvc/tmp/rwlock")
GIT_LOCKS = ("index.lock", "HEAD.lock", "packed-refs.lock", "config.lock", "refs/**/*.lock")


def unfinished(root: Path) -> Check:
    """Check that no command was killed between the first and the last file that it changes together."""
    try:
        plan = Project(root).journal.unfinished()
    except CurationError as error:
        return broken("unfinished", str(error), "delete that file after a look at `git status`")
    if plan is None:
        return ok("unfinished", "no command was interrupted while it changed files")
    found = f"`curate {plan.command}` was interrupted while it changed {len(plan.steps)} files"
    return broken("unfinished", found, f"{MEND} completes it, and so does the next command")


def settle(root: Path) -> list[str]:
    """Complete the interrupted command, or take it back."""
    return list(filter(None, [Project(root).journal.settle()]))


def drafts(root: Path) -> Check:
    """Check that no killed process left a draft of a file."""
    found = _drafts(root)
    if not found:
        return ok("drafts", "no draft of a killed process")
    return note("drafts", f"{len(found)} of killed processes, such as {found[0].relative_to(root)}", MEND)


def remove_drafts(root: Path) -> list[str]:
    """Remove the drafts, unless a command is at work."""
    removed = 0
    with Project(root).journal.alone():
        for draft in _drafts(root):
            draft.unlink()
            removed += 1
    return [f"removed {removed} drafts of killed processes"] if removed else []


def locks(root: Path) -> Check:
    """Check that no killed process left a lock on which DVC or git stops."""
    if _is_torn(root / RWLOCK):
        found = f"{RWLOCK} holds no JSON, as after a kill, and every command of DVC stops on it"
        return broken("locks", found, f"{MEND} removes it; no command of DVC may run meanwhile")
    left = _git_locks(root)
    if left and _git_runs():
        return note("locks", f"{left[0]} is there, and a git command runs", "wait until git has ended")
    if left:
        return broken("locks", f"{left[0]} was left by a killed git, and git stops on it", MEND)
    return ok("locks", "no lock of a killed process")


def remove_locks(root: Path) -> list[str]:
    """Remove locks that nobody holds."""
    said = []
    if _is_torn(root / RWLOCK) and _is_free(root / f"{RWLOCK}.lock"):
        (root / RWLOCK).unlink()
        said.append(f"removed {RWLOCK}")
    for path in [] if _git_runs() else _git_locks(root):
        path.unlink()
        said.append(f"removed {path}")
    return said


def versions(root: Path) -> Check:
    """Check that every promoted version has its tag in git."""
    project = Project(root)
    try:
        untagged = _untagged(project)
    except CurationError as error:
        return broken("versions", str(error), "mend that file, or bring it back with git checkout")
    if not untagged and _has_stage(project):
        return ok("versions", "every version in models/versions.jsonl has its tag")
    if not untagged:
        return note("versions", "no tag says which version is in production", f"git fetch --tags; else: {MEND}")
    names = ", ".join(entry.version for entry in untagged)
    if not _commit_of(project, untagged[-1]):
        fix = "commit the files of models/ and params.yaml, then: curate versions --register"
        return note("versions", f"no tag for {names}, because it is not committed", fix)
    return note("versions", f"no tag for {names}", f"git fetch --tags; where no other clone has it: {MEND}")


def tag_versions(root: Path) -> list[str]:
    """Tag each version on the commit that added it to the log, and the last one as the one in production."""
    project, said = Project(root), []
    for entry in _untagged(project):
        name, commit = register.version_tag(project, entry.version), _commit_of(project, entry)
        if name and commit and project.git.tag(name, commit, f"Promote {register.ARTIFACT} {entry.version}"):
            said.append(f"Tagged {name}")
    if not _has_stage(project) and not _untagged(project):
        said += register.tag(project, read_log(project)[-1])
    return said


def _untagged(project: Project) -> list[Entry]:
    """Return the promotions whose version has no tag, oldest first."""
    if not project.git.exists:
        return []
    promoted = [entry for entry in read_log(project) if entry.action == "promote"]
    names = [(entry, register.version_tag(project, entry.version)) for entry in promoted]
    return [entry for entry, name in names if name and not project.git.has_tag(name)]


def _has_stage(project: Project) -> bool:
    """Whether a tag says that the last version of the log is in production; True where there is nothing to say."""
    log = read_log(project)
    return not (log and project.git.exists and register.tags(project, log[-1]))


def _commit_of(project: Project, entry: Entry) -> str:
    """Return the commit that added the line of a promotion to the log, "" where there is none."""
    line = f'"action": "promote", "version": "{entry.version}"'
    found = project.git.run("log", "--format=%H", f"-S{line}", "--", project.relative(project.versions))
    return (found or "").split("\n")[-1]


def _drafts(root: Path) -> list[Path]:
    """Return the drafts that no process writes; none while a transaction waits to be settled."""
    if Project(root).journal.path.exists():
        return []
    return sorted(path for path in _hidden(root) if path.is_symlink() or is_abandoned(path))


def _hidden(root: Path) -> Iterator[Path]:
    for where, below, names in os.walk(root):
        below[:] = [name for name in below if name not in NOT_OURS]
        yield from (Path(where, name) for name in names if name.startswith(".") and name.endswith(SUFFIX))


def _is_torn(path: Path) -> bool:
    """Whether a file is there that is no JSON, such as an empty one."""
    try:
        parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    except ValueError:
        return True
    return False


def _is_free(path: Path) -> bool:
    """Whether no process holds DVC's lock on its list of locks."""
    with path.open("a") as file:
        return locked(file.fileno())


def _git_locks(root: Path) -> list[Path]:
    """Return the lock files of git."""
    folder = Project(root).git.run("rev-parse", "--absolute-git-dir")
    return sorted(path for name in GIT_LOCKS for path in Path(folder).glob(name)) if folder else []


def _git_runs() -> bool:
    """Whether any git command runs on this machine, or the machine can't say."""
    try:
        done = subprocess.run(["ps", "-A", "-o", "comm="], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return True
    return any(Path(line.strip()).name == "git" for line in done.stdout.splitlines())


LEFTOVER_CHECKS = (unfinished, drafts, locks, versions)
MENDS: tuple[Callable[[Path], list[str]], ...] = (settle, remove_drafts, remove_locks, tag_versions)
