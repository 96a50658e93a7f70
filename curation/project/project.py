"""`Project`: the working tree of a project, and the doors to its git and DVC.

    project = Project.find()
    errors = project.table(tables.ERRORS)
    before = project.at("v1.0.0").table(tables.PREDICTIONS)

The same three calls, `params`, `table` and `file`, read the working tree and any revision of it (`Project.at`).
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from curation import tables
from curation.files import whole
from curation.params import Params, load
from curation.project.dvc import Dvc
from curation.project.git import Git
from curation.project.locks import hold
from curation.project.places import PARAMS, PIPELINE, Places, ProjectError
from curation.project.snapshots import Snapshot
from curation.tables import Table


class Project(Places):
    """A project in its working tree: `Project(root)`, or `Project.find()` from any folder inside it."""

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """Find the project that `start` (the working directory) lies in; ProjectError when it lies in none."""
        start = (start or Path.cwd()).resolve()
        found = cls._above(start)
        if found is None:
            raise ProjectError(
                f"{start} lies in no project: neither it nor a folder above holds both {PIPELINE} and {PARAMS}. "
                "Change to a folder of your project and run the same command again"
            )
        return found

    @classmethod
    def find_or_here(cls, start: Path | None = None) -> "Project":
        """Find the project as `find` does; where there is none, take `start` for one, as any folder will do."""
        start = (start or Path.cwd()).resolve()
        return cls._above(start) or cls(start)

    @classmethod
    def _above(cls, start: Path) -> "Project | None":
        folders = (folder for folder in (start, *start.parents) if (folder / PIPELINE).is_file())
        return next((cls(folder) for folder in folders if (folder / PARAMS).is_file()), None)

    @cached_property
    def git(self) -> Git:
        """The git repository that the project lies in, if any."""
        return Git(self.root)

    @cached_property
    def dvc(self) -> Dvc:
        """The DVC repository of the project."""
        return Dvc(self.root)

    def params(self) -> Params:
        """Read and check params.yaml; ParamsError names every key that is wrong."""
        return load(self.params_file)

    def located(self, settings: Params) -> Params:
        """The same settings with the absolute path of the base model, for the rooms that open it."""
        return settings.model_copy(update={"base_model": str(self.base_model(settings))})

    def base_model(self, settings: Params) -> Path:
        """The model that training starts from."""
        return self.root / settings.base_model

    def set_base_model(self, path: Path) -> bool:
        """Point `base_model` in params.yaml at a model, leaving every comment as it is; True when that changed it."""
        yaml, value = YAML(), self.relative(path)
        yaml.preserve_quotes = True
        yaml.width = 4096
        values = yaml.load(self.params_file.read_text(encoding="utf-8"))
        if values.get("base_model") == value:
            return False
        values["base_model"] = value
        with whole(self.params_file) as draft:
            yaml.dump(values, draft)
        return True

    def table(self, table: Table, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read a table, or only some of its columns; TableError where it is missing or not what it should be."""
        return tables.read(self.table_path(table), table, columns)

    def has(self, path: Path | str) -> bool:
        """Whether the project has the file, named absolutely or from its root."""
        return self.file(path).exists()

    def write_table(self, frame: pd.DataFrame | Iterable[pd.DataFrame], table: Table) -> Path:
        """Write a table, whole or not at all: one frame, or frames that follow one another in `image_id`."""
        path = self.table_path(table)
        if isinstance(frame, pd.DataFrame):
            tables.write(frame, path, table)
        else:
            tables.write_batches(frame, path, table)
        return path

    def file(self, path: Path | str) -> Path:
        """Give the path of a file of the project, named absolutely or from its root."""
        return self.root / path

    def at(self, revision: str) -> Snapshot:
        """Give the project as it was at a commit, tag, branch or DVC experiment; RevisionError where there is none."""
        return Snapshot.of(self, self.git, self.dvc, revision)

    def lock(self, name: str, *, wait: bool = True) -> AbstractContextManager[None]:
        """Hold a lock of the project: wait for the command that has it, or raise LockedError."""
        return hold(self.caches / f"{name}.lock", wait=wait)
