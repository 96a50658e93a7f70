"""What a transaction is going to change. Nothing changes while it is planned, and whatever can fail fails here.

The new bytes are written to drafts beside their files and synced. `curation.files.journal` then carries the plan out.
"""

import errno
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from curation.files.parsed import parse_json
from curation.files.steps import (
    KINDS,
    Append,
    Delete,
    Move,
    Step,
    Write,
    beside,
    digest_of,
    inside,
    name_of,
    put_aside,
)
from curation.files.whole_files import named, sync


@dataclass
class Plan:
    """The steps of one command. `then` is what follows the last file, such as the commit of git; it is not taken back.

    After the block `notes` holds what `then` had to say.
    """

    root: Path
    command: str
    steps: list[Step] = field(default_factory=list)
    then: Mapping[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
    _tried: dict[tuple[Path, Path], bool] = field(default_factory=dict)

    def write(self, path: Path, data: bytes | str) -> None:
        """Replace the file `path` by these bytes, or by this text in UTF-8."""
        with self.draft(path) as draft:
            draft.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)

    @contextmanager
    def draft(self, path: Path) -> Iterator[Path]:
        """Give the path of a new file to write or to link; it becomes `path`."""
        draft, aside = beside(path, "new"), beside(path, "old")
        draft.unlink(missing_ok=True)
        try:
            yield draft
            sync(draft)
            put_aside(path, aside)
        except BaseException as error:
            draft.unlink(missing_ok=True)
            aside.unlink(missing_ok=True)
            named(error, path)
            raise
        names = self._name(path), self._name(draft), self._name(aside)
        self.steps.append(Write(*names, digest_of(path), digest_of(draft)))

    def append(self, path: Path, lines: bytes | str) -> None:
        """Add whole lines to the log at `path`."""
        text = lines if isinstance(lines, str) else lines.decode("utf-8", "surrogateescape")
        if text:
            self.steps.append(Append(self._name(path), path.stat().st_size if path.exists() else -1, text))

    def move(self, start: Path, end: Path) -> None:
        """Move a file to a free path. OSError where a folder can't be written; nothing has changed then.

        Between two file systems there is no rename. There the file is copied, and the old one removed at the end.
        """
        if self._can_rename(start.parent, beside(end, "new").parent):
            self.steps.append(Move(self._name(start), self._name(end)))
            return
        with self.draft(end) as draft:
            shutil.copy2(start, draft)
            if digest_of(draft) != digest_of(start):
                raise OSError(errno.EIO, "the copy differs from the original", str(start))
        self.steps.append(Delete(self._name(start), self._name(beside(start, "old"))))

    def drop(self) -> None:
        """Remove the drafts."""
        for step in self.steps:
            step.close(self.root)

    def text(self) -> str:
        """Return the journal of this plan. Lines are added first, because only they may find no room on the disk."""
        self.steps.sort(key=lambda step: not isinstance(step, Append))
        steps = [{"do": name_of(step), **asdict(step)} for step in self.steps]
        return json.dumps({"command": self.command, "steps": steps, "then": self.then}, indent=1)

    @classmethod
    def read(cls, root: Path, text: str) -> "Plan":
        """Read what `text` gave. ValueError, KeyError or TypeError for anything else, such as a path outside."""
        values = parse_json(text)
        then = None if values["then"] is None else dict(values["then"])
        return cls(root, str(values["command"]), [_step(dict(row)) for row in values["steps"]], then)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _can_rename(self, start: Path, end: Path) -> bool:
        """Try it with an empty file, once for each two folders."""
        if (start, end) not in self._tried:
            probe, there = (beside(folder / "probe", "new") for folder in (start, end))
            try:
                probe.touch()
                probe.replace(there)
                self._tried[start, end] = True
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._tried[start, end] = False
            finally:
                probe.unlink(missing_ok=True)
                there.unlink(missing_ok=True)
        return self._tried[start, end]


def _step(row: dict[str, Any]) -> Step:
    """Make a step from its line of the journal. ValueError for a wrong type, or a path outside of the project."""
    kind = KINDS[row.pop("do")]
    for one in fields(kind):
        if type(row[one.name]) is not one.type:
            raise ValueError(f"{one.name} is {row[one.name]!r}")
    for name in ("path", "to", "draft", "aside"):
        if name in row and not inside(row[name]):
            raise ValueError(f"it names {row[name]!r}, which is outside of the project")
    return kind(**row)
