"""The project that the pipeline works on: `Project` is the one owner of its paths, tables, locks, git and DVC."""

from curation.project.places import Places, ProjectError
from curation.project.project import Project
from curation.project.snapshots import RevisionError, Snapshot

__all__ = ["Places", "Project", "ProjectError", "RevisionError", "Snapshot"]
