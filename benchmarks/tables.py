"""The pages under results/: a title, when and where it was measured, what, and tables.

One writer for the benchmarks of this folder, so that every figure stands beside its date and its machine.
"""

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Table:
    """Rows under a header, with a line above where it needs one."""

    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""

    def lines(self) -> list[str]:
        """Markdown; floats with three digits, None as an empty cell."""
        cells = [self.header, ["---"] * len(self.header), *([_cell(value) for value in row] for row in self.rows)]
        return [*([self.caption, ""] if self.caption else []), *(f"| {' | '.join(row)} |" for row in cells)]


def write_page(
    name: str, title: str, about: str, tables: Sequence[Table], notes: str = "", *, keep: bool = True
) -> None:
    """Print a page, and write it to results/`name`.md unless it is of a trial run (`keep`).

    about: what was measured and how. notes: what to make of it.
    """
    today = datetime.datetime.now(tz=datetime.UTC)
    parts = [[f"# {title}"], [f"{today:%Y-%m-%d}, {machine()}. {about}".rstrip()], *(table.lines() for table in tables)]
    text = "\n\n".join("\n".join(part) for part in [*parts, *([[notes]] if notes else [])]) + "\n"
    print(text, end="")
    if keep:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")


def machine() -> str:
    """What it ran on, e.g. "2 cores, 24 GB, no GPU"."""
    import torch

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {gpu}"


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
