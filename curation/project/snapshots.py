"""A project as it was at a commit, tag, branch or DVC experiment: its parameters, tables and files.

Files that git keeps come from git. Files that DVC keeps come from its cache or its remote. Both are read through the
file system of DVC, from the folder of the project, which may be a folder of a larger repository. Only this module reads
a revision.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from curation import params
from curation.errors import CurationError
from curation.files import whole
from curation.project.dvc import Dvc
from curation.project.git import Git
from curation.project.places import PARAMS, Places
from curation.tables import Table
from curation.tables.codes import RENAMED
from curation.tables.schemas import ADDED_COLUMNS, RENAMED_COLUMNS


class RevisionError(CurationError):
    """A git revision is unknown, or a file of it can't be read."""


@dataclass(frozen=True)
class Snapshot:
    """The project `places` at the commit `commit`, which the person calls `revision`."""

    places: Places
    revision: str
    commit: str

    @classmethod
    def of(cls, places: Places, git: Git, dvc: Dvc, revision: str) -> "Snapshot":
        """Find the commit that a person means. RevisionError when git and DVC know none."""
        if not git.exists or not dvc.exists:
            raise RevisionError(f"{places.root} is no git and DVC repository, so it has no revision `{revision}`")
        from dvc.repo import Repo
        from dvc.scm import RevError, SCMError, resolve_rev

        try:
            with Repo(str(places.root)) as repo:
                return cls(places, revision, str(resolve_rev(repo.scm, revision)))
        except (RevError, SCMError):
            raise RevisionError(
                f"git knows no revision `{revision}`: give a commit, branch, tag or experiment "
                "(`git log`, `dvc exp list`)"
            ) from None

    def params(self) -> params.Params:
        """Read params.yaml of the revision, with the same checks as for the current one."""
        return params.read(self.read(PARAMS).decode("utf-8"), f"{PARAMS} of revision `{self.revision}`")

    def table(self, table: Table, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read a table of the revision. Only the requested columns must exist, because older tables have others.

        Columns and codes that were renamed since then have their present names, and a column that was added since then
        has its blank value.
        """
        import pyarrow.parquet as pq

        raw = self.read(self.places.table_path(table))
        there = set(pq.read_schema(io.BytesIO(raw)).names)
        earlier = {name: old for name, old in RENAMED_COLUMNS.get(table.name, {}).items() if name not in there}
        added = {name: blank for name, blank in ADDED_COLUMNS.get(table.name, {}).items() if name not in there}
        order = list(columns or table.columns)
        wanted = [earlier.get(name, name) for name in order if name not in added]
        missing = set(wanted) - there
        if missing:
            raise RevisionError(
                f"the table {table.name} of revision `{self.revision}` has no column `{min(missing)}`, because an "
                "earlier version of curation wrote it, so it can't be compared with the rules of this version. Name a "
                "later revision"
            )
        frame: pd.DataFrame = pq.read_table(io.BytesIO(raw), columns=wanted).to_pandas()
        frame = frame.rename(columns={old: name for name, old in earlier.items()}).assign(**added)[order]
        return frame.replace({column: dict(RENAMED[column]) for column in frame.columns if column in RENAMED})

    def read(self, path: Path | str) -> bytes:
        """Return the bytes of a file of the revision."""
        name = self.places.relative(path)
        found: list[bytes] = []
        self._with(name, lambda repo: found.append(repo.dvcfs.cat_file(f"/{name}")))
        return found[0]

    def has(self, path: Path | str) -> bool:
        """Return True when the revision has the file."""
        name = self.places.relative(path)
        found: list[bool] = []
        self._with(name, lambda repo: found.append(bool(repo.dvcfs.isfile(f"/{name}"))))
        return found[0]

    def file(self, path: Path | str) -> Path:
        """Return the path of a copy of a file of the revision, in the cache. Use it for files too large for memory."""
        name = self.places.relative(path)
        target = self.places.cache("revisions") / self.commit / name
        if not target.exists():
            with whole(target) as draft:
                self._with(name, lambda repo: repo.dvcfs.get_file(f"/{name}", str(draft)))
        return target

    def _with(self, name: str, act: Callable[[Any], object]) -> None:
        """Call `act` with DVC's view of the revision. RevisionError when the file `name` can't be read."""
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
        from dvc.scm import SCMError

        try:
            with Repo(str(self.places.root)) as repo, repo.switch(self.commit):
                act(repo)
        except (DvcException, SCMError, OSError) as error:
            told = str(error).strip().splitlines()
            raise RevisionError(
                f"{name} of revision `{self.revision}` can't be read ({told[0] if told else type(error).__name__}). "
                f"`dvc pull --all-commits` fetches what is not in the cache; what was never pushed from where it was "
                "made is gone once that cache is cleared"
            ) from None
