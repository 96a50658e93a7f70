"""Transactions over several files: all of them change, or none does, whatever happens in between.

    with journal.plan("promote") as plan:
        plan.write(card, text)
        plan.append(log, line)

Inside the block nothing changes. The new bytes are written to drafts beside their files and synced, so whatever can
fail, such as a full disk, fails here. At the end of the block the list of steps is written to the journal, the steps
are taken, and the journal is removed. An error takes the steps back. After a kill the next command completes them, or
takes them back where somebody has changed one of the files since. The idea is the write-ahead log of databases (Mohan
et al., 1992), with steps that can be repeated.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.errors import CurationError
from curation.files.change_plan import Plan
from curation.files.steps import Step
from curation.files.whole_files import sync, write_text

Then = Callable[[Mapping[str, Any]], list[str]]


class JournalError(CurationError):
    """A journal can't be read, or its steps can neither be completed nor taken back."""


@dataclass(frozen=True)
class Journal:
    """The journal of the project `root`, in `folder`. `then` does what a plan says is to follow the last file."""

    root: Path
    folder: Path
    then: Then

    @property
    def path(self) -> Path:
        """The file that holds the steps of the command that is at work, or was killed."""
        return self.folder / "journal.json"

    @contextmanager
    def plan(self, command: str) -> Iterator[Plan]:
        """Give an empty plan, and carry it out when the block ends well. Waits for another command's transaction."""
        with self.alone():
            self._settle()
            plan = Plan(self.root, command)
            try:
                yield plan
                if plan.steps:
                    write_text(self.path, plan.text())
            except BaseException:
                self.path.unlink(missing_ok=True)  # before the drafts: a journal without them could not be completed
                plan.drop()
                raise
            if plan.steps:
                self._carry_out(plan)

    @contextmanager
    def alone(self, *, wait: bool = True) -> Iterator[None]:
        """Hold the lock of the journal. The system releases it when the process ends, also after a kill.

        Without `wait`, BlockingIOError where another command holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        finally:
            os.close(file)

    def settle(self) -> str:
        """Complete what a killed command left, or take it back. Return a sentence about it, "" when nothing was left.

        While another command is at work, nothing is done.
        """
        if not self.path.exists():
            return ""
        try:
            with self.alone(wait=False):
                return self._settle()
        except BlockingIOError:
            return ""

    def unfinished(self) -> Plan | None:
        """Return the plan that a killed command left, None when there is none. JournalError when it can't be read."""
        try:
            with self.alone(wait=False):
                return self._read() if self.path.exists() else None
        except BlockingIOError:
            return None

    def _settle(self) -> str:
        if not self.path.exists():
            return ""
        plan = self._read()
        changed = [step.path for step in plan.steps if not step.possible(self.root)]
        if not changed:
            self._carry_out(plan)
            return " ".join([f"An interrupted `curate {plan.command}` was completed.", *plan.notes])
        kept = self._undo(plan)
        stays = f" What stands in {', '.join(kept)} stays as it is." if kept else ""
        return (
            f"An interrupted `curate {plan.command}` was taken back, because {changed[0]} was changed since.{stays} "
            "Run it again if you still want it."
        )

    def _carry_out(self, plan: Plan) -> None:
        try:
            for step in plan.steps:
                step.do(self.root)
            _sync_folders(self.root, plan.steps)
        except BaseException:
            self._undo(plan)
            raise
        try:
            plan.notes = self.then(plan.then) if plan.then else []
        except OSError:  # for any other end, such as Ctrl-C, the next command goes on with it
            self._undo(plan)
            raise
        self._close(plan)

    def _undo(self, plan: Plan) -> list[str]:
        """Take all steps back, the last one first. Return the files that stay because somebody changed them."""
        try:
            kept = [name for step in reversed(plan.steps) if (name := step.undo(self.root))]
        except OSError as error:
            raise JournalError(
                f"`curate {plan.command}` could neither be completed nor taken back ({error.strerror}: "
                f"{error.filename}). Free space or permissions there; the next command then goes on with it"
            ) from None
        self._close(plan)
        return kept

    def _close(self, plan: Plan) -> None:
        plan.drop()  # before the journal, so that a kill leaves nothing beside the files
        self.path.unlink()

    def _read(self) -> Plan:
        try:
            return Plan.read(self.root, self.path.read_text(encoding="utf-8"))
        except (ValueError, TypeError, KeyError) as error:
            raise JournalError(
                f"{self.path} can't be used ({error}). `curate` never writes such a file. Delete it, "
                "and look at `git status` before you go on"
            ) from None


def _sync_folders(root: Path, steps: Sequence[Step]) -> None:
    """Sync the folders whose files were renamed, so that the renames outlast a loss of power."""
    names = {getattr(step, name) for step in steps for name in ("path", "to") if hasattr(step, name)}
    for folder in sorted({(root / name).parent for name in names}):
        if folder.is_dir():
            sync(folder)
