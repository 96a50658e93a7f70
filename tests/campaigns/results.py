"""The page benchmarks/results/campaigns.md: one part a campaign, which `--keep` replaces."""

import datetime
import os
import re
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "benchmarks/results/campaigns.md"
HEAD = "# Campaigns\n\nFuzzed inputs, and kills of commands: `python tests/campaigns/run.py --help`.\n"


def report(
    title: str, about: str, header: Sequence[str], rows: Sequence[Sequence[object]], *, keep: bool = False
) -> None:
    """Print a table, and with `keep` put it in the place of the part of the page that has the same title."""
    written = [[f"{one:,}" if isinstance(one, int) else str(one) for one in row] for row in rows]
    cells = [header, ["---"] * len(header), *written]
    table = "\n".join(f"| {' | '.join(row)} |" for row in cells)
    print(f"\n{table}\n\n{about}")
    if not keep:
        return
    today = f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}, {os.cpu_count()} cores"
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEAD
    head, *others = [one.strip() for one in re.split(r"(?m)^(?=## )", text) if not one.startswith(f"## {title}\n")]
    part = f"## {title}\n\n{today}. {about}\n\n{table}"
    PAGE.write_text("\n\n".join([head, *sorted([*others, part])]) + "\n", encoding="utf-8")
