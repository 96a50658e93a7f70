"""`Project` gives access to the working tree of a project, and to its git and DVC.

    project = Project.find()
    errors = project.table(tables.ERRORS)
    before = project.at("v1.0.0").table(tables.PREDICTIONS)

The methods `params`, `table` and `file` read the working tree, and `Project.at` gives the same methods for a revision.
"""

import io
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from curation import tables
from curation.files.journal import Journal
from curation.params import Params, load
from curation.project.dvc import Dvc
from curation.project.git import Git
from curation.project.locks import hold
from curation.project.parts import Part, alone
from curation.project.places import PARAMS, PIPELINE, Places, ProjectError
from curation.project.snapshots import Snapshot
from curation.tables import Table


class Project(Places):
    """A project in its working tree: `Project(root)`, or `Project.find()` from any folder inside it."""

    @classmethod
    def find(cls, start: Path | None = None) -> "Project":
        """Find the project that contains `start`, by default the working directory. ProjectError when there is none."""
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
        """Find the project as `find` does. When there is none, use `start` itself, because any folder is enough."""
        start = (start or Path.cwd()).resolve()
        return cls._above(start) or cls(start)

    @property
    def begun(self) -> bool:
        """Whether the folder holds dvc.yaml or params.yaml: it is a project, or one that has lost a file."""
        return self.pipeline.is_file() or self.params_file.is_file()

    @classmethod
    def _above(cls, start: Path) -> "Project | None":
        folders = (folder for folder in (start, *start.parents) if (folder / PIPELINE).is_file())
        return next((cls(folder) for folder in folders if (folder / PARAMS).is_file()), None)

    @cached_property
    def git(self) -> Git:
        """The git repository that contains the project, if there is one."""
        return Git(self.root)

    @cached_property
    def dvc(self) -> Dvc:
        """The DVC repository of the project."""
        return Dvc(self.root)

    def params(self) -> Params:
        """Read and check params.yaml. ParamsError names every wrong key."""
        return load(self.params_file)

    def located(self, settings: Params) -> Params:
        """Return the same parameters with the absolute path of the base model, for the rooms that open it."""
        return settings.model_copy(update={"base_model": str(self.base_model(settings))})

    @cached_property
    def journal(self) -> Journal:
        """The journal of changes to several files. A plan may say which commit and tags of git follow."""
        return Journal(self.root, self.transaction, lambda then: self.git.record(**then))

    def base_model(self, settings: Params) -> Path:
        """Return the path of the model that training starts from."""
        return self.root / settings.base_model

    def with_base_model(self, path: Path) -> bytes:
        """Return params.yaml with `base_model` set to a model. All comments stay."""
        yaml, value, text = YAML(), self.relative(path), io.BytesIO()
        yaml.preserve_quotes = True
        yaml.width = 4096
        old = self.params_file.read_bytes()
        values = yaml.load(old.decode("utf-8"))
        if values.get("base_model") == value:
            return old
        values["base_model"] = value
        yaml.dump(values, text)
        return text.getvalue()

    def table(self, table: Table, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read a table, or only some of its columns. TableError when it is missing or does not fit its schema."""
        return tables.read(self.table_path(table), table, columns)

    def has(self, path: Path | str) -> bool:
        """Return True when the project has the file. The path is absolute or relative to the root."""
        return self.file(path).exists()

    def write_table(self, frame: pd.DataFrame | Iterable[pd.DataFrame], table: Table) -> Path:
        """Write a table whole or not at all: one frame, or frames that follow one another in `image_id`."""
        path = self.table_path(table)
        if isinstance(frame, pd.DataFrame):
            tables.write(frame, path, table)
        else:
            tables.write_batches(frame, path, table)
        return path

    def file(self, path: Path | str) -> Path:
        """Return the absolute path of a file of the project. The path is absolute or relative to the root."""
        return self.root / path

    def at(self, revision: str) -> Snapshot:
        """Return the project as it was at a commit, tag, branch or DVC experiment. RevisionError when it is unknown."""
        return Snapshot.of(self, self.git, self.dvc, revision)

    def lock(self, name: str, *, wait: bool = True) -> AbstractContextManager[None]:
        """Hold a lock of the project, for moments. Wait until it is free; without `wait`, raise LockedError instead."""
        return hold(self.caches / "locks" / f"{name}.lock", wait=wait)

    def alone(self, *parts: Part) -> AbstractContextManager[None]:
        """Be the only command that changes these parts of the project. LockedError names the one that does already."""
        return alone(self, *parts)
