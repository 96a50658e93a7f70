"""The option that says who decides, which every command that writes decisions shares."""

import getpass
from typing import Annotated

import typer

Reviewer = Annotated[
    str, typer.Option(help="The person who decides. The default is git's user.name.", envvar="CURATION_REVIEWER")
]


def me() -> str:
    """Return the user.name of git, or the login name."""
    from curation.project import Project

    return Project.find_or_here().git.run("config", "user.name") or getpass.getuser()
