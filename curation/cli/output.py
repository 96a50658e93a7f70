"""How commands print data: a table for people, JSON and CSV for machines."""

import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import typer

Rows = list[dict[str, Any]]


def show(
    rows: Rows, *, as_json: bool = False, csv: Path | None = None, title: str = "", hidden: Collection[str] = ()
) -> None:
    """Print rows as a table, or as a JSON list on stdout; with `csv`, write them to that file as well.

    The table leaves out the columns `hidden`, which are for machines.
    """
    if csv:
        _write_csv(rows, csv)
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif rows:
        _table([{name: value for name, value in row.items() if name not in hidden} for row in rows], title)
    else:
        typer.echo(f"{title}: none" if title else "none")


def _write_csv(rows: Rows, path: Path) -> None:
    import pandas as pd

    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, index=False)


def _table(rows: Rows, title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, title_justify="left")
    for column in rows[0]:
        table.add_column(column, overflow="fold")  # a narrow terminal breaks a path, and loses nothing of it
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    width = None if sys.stdout.isatty() else 200
    Console(width=width).print(table)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
