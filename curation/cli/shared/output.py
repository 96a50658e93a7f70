r"""How commands print: a table for people, JSON and CSV for machines, and messages on stdout or stderr.

Names of files and classes are data, so nothing in them is ever markup or a command to the terminal. Whatever a command
prints goes through this module. Control characters, such as those of a terminal's escape sequences, are shown escaped
(`\x1b`); brackets are only brackets. JSON carries exactly the same text. In a CSV file a text that a spreadsheet would
run as a formula gets a `'` in front, and every other cell is written as it is (see `curation.tables.names_as_data`).
"""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from curation.errors import CurationError, printable

if TYPE_CHECKING:
    import pandas as pd

Rows = list[dict[str, Any]]

MACHINE_WIDTH = 200  # columns of a table that does not go to a terminal


class OutputError(CurationError):
    """A file that a command should write can't be there."""


def new_file(path: Path | None) -> Path | None:
    """Check the file of an option such as --out before the work starts: its folder must exist."""
    if path and not path.absolute().parent.is_dir():
        raise OutputError(f"{path} can't be written: there is no folder {path.parent}. Make it, or correct the path")
    if path and path.is_dir():
        raise OutputError(f"{path} is a folder: name the file to write in it")
    return path


def say(text: str) -> None:
    """Print a message on stdout."""
    typer.echo(printable(text, keep="\n"))


def note(text: str) -> None:
    """Print a message on stderr, so that stdout holds only the result."""
    typer.echo(printable(text, keep="\n"), err=True)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    from curation.tables.names_as_data import json_text  # it loads pandas

    typer.echo(json_text(value))


def show(
    rows: Rows, *, as_json: bool = False, csv: Path | None = None, title: str = "", hidden: Collection[str] = ()
) -> None:
    """Print rows as a table, or as a JSON list on stdout. With `csv`, also write them to that file.

    The table leaves out the columns in `hidden`, which are for machines.
    """
    if csv:
        import pandas as pd

        write_csv(pd.DataFrame(rows), csv)
    if as_json:
        print_json(rows)
    elif rows:
        _table([{name: value for name, value in row.items() if name not in hidden} for row in rows], title)
    else:
        say(f"{title}: none" if title else "none")


def write_csv(frame: "pd.DataFrame", path: Path, decimals: int | None = None) -> None:
    """Write a CSV file, whole or not at all. `decimals` rounds floats; without it they are written in full."""
    from curation.tables import names_as_data

    names_as_data.write_csv(frame, path, None if decimals is None else f"%.{decimals}f")


def _table(rows: Rows, title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(printable(title)) if title else None, title_justify="left")
    for column in rows[0]:
        table.add_column(Text(printable(column)), overflow="fold")  # a narrow terminal breaks a path, and loses nothing
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else MACHINE_WIDTH).print(table)


def _cell(value: object) -> str:
    """The text of a cell, nothing in it acting on the terminal; each item of a tuple has a line of its own."""
    if isinstance(value, tuple):
        return "\n".join(map(_cell, value))
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else printable(str(value))
