"""The project that the pipeline works on: `Project` is the one owner of its paths, tables, locks, git and DVC."""

from curation.project.places import Places, ProjectError
from curation.project.project import Project
from curation.project.snapshots import RevisionError, Snapshot

Reader = Project | Snapshot  # what reads a round: the working tree, or a revision

__all__ = ["Places", "Project", "ProjectError", "Reader", "RevisionError", "Snapshot"]
