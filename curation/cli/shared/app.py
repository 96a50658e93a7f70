"""The Typer app of `curate`, and the place where an expected error becomes a message.

Each command module adds its command to `app` and makes one call into a room. Heavy imports happen inside the commands,
so that `curate --help` answers at once. The design, with a library call behind each command and JSON for machines, is
that of sqlite-utils.
"""

import errno
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from curation.cli.shared.output import note
from curation.cli.shared.waiting import WaitCommand
from curation.errors import INTERRUPTED, STOPPED, CurationError, disk_message, message_of

DVC_LIST = Path(".dvc/tmp/rwlock")  # see curation.project.dvc_locks


class CurateGroup(TyperGroup):
    """A group of commands. An expected error is one message with exit code 1; Ctrl-C is one line with exit code 130."""

    def __init__(self, **settings: Any) -> None:
        """Let the help of each command flow, because Typer keeps the line breaks of a docstring."""
        super().__init__(**settings)
        for command in self.commands.values():
            command.help = flowing(command.help or "")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command. Before one that only reads, say when DVC runs; the others then wait or end."""
        found = super().resolve_command(ctx, args)
        if not isinstance(found[1], CurateGroup | WaitCommand) and not ctx.resilient_parsing:
            _say_that_dvc_runs()
        return found

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and turn an expected error into a message."""
        try:
            return super().invoke(ctx)
        except CurationError as error:
            _end(message_of(error))
        except KeyboardInterrupt:
            _end(STOPPED, INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of our output, such as `head`, has what it wanted
                raise
            _end(f"error: {disk_message(error)}")


def _say_that_dvc_runs() -> None:
    """Say on stderr when DVC runs stages in this project, because the tables may then be of two runs, or missing."""
    try:
        folders = [Path.cwd(), *Path.cwd().parents]
    except OSError:  # the working directory was deleted
        return
    root = next((one for one in folders if (one / DVC_LIST).exists()), None)
    if root is None or (root / DVC_LIST).stat().st_size <= len("{}"):
        return
    from curation.project.dvc_locks import running  # it loads pandas

    if found := running(root):
        note(f"{found} runs in this project: until it ends, tables may be of two runs, or missing")


def flowing(text: str) -> str:
    """Join the lines of each paragraph. A paragraph with indented lines is a list and stays as it is."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(one if "\n " in one else " ".join(one.split("\n")) for one in paragraphs)


def _end(message: str, code: int = 1) -> None:
    note(message)
    raise SystemExit(code)


app = typer.Typer(
    cls=CurateGroup,
    help="Curate the images of a classifier and improve it, round after round.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
