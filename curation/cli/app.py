"""The one Typer app, and the edge where an error becomes a message.

Each module of this folder adds its commands to `app` and makes one call into a room; heavy imports happen inside the
commands, so that `curate --help` answers at once. The shape (a library call behind each command, JSON for machines) is
that of sqlite-utils.
"""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from curation.errors import CurationError, disk_message


class CurateGroup(TyperGroup):
    """Prints a CurationError, or a disk that refuses, as one message with exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except CurationError as error:
            message = str(error)
        except OSError as error:
            message = disk_message(error)
        print(f"error: {message}", file=sys.stderr)
        raise SystemExit(1)


app = typer.Typer(
    cls=CurateGroup,
    help="Keep an image classifier alive: curate its images, round after round.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
