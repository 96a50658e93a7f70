"""The one Typer app, and the place where an error becomes a message.

Each module of the folder above adds its command to `app` and makes one call into a room. Heavy imports happen inside
the commands, so that `curate --help` answers at once. The shape (a library call behind each command, JSON for machines)
is that of sqlite-utils.
"""

import errno
from typing import Any

import typer
from typer.core import TyperGroup

from curation.cli.shared.output import note
from curation.errors import INTERRUPTED, STOPPED, CurationError, disk_message


class CurateGroup(TyperGroup):
    """A group of commands in which an expected error is one message with exit code 1, and Ctrl-C one line with 130."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except CurationError as error:
            _end(f"error: {error}")
        except KeyboardInterrupt:
            _end(STOPPED, INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of our output, such as `head`, has what it wanted
                raise
            _end(f"error: {disk_message(error)}")


def _end(message: str, code: int = 1) -> None:
    note(message)
    raise SystemExit(code)


app = typer.Typer(
    cls=CurateGroup,
    help="Keep an image classifier alive: curate its images, round after round.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
