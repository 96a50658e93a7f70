"""The rows of `curate versions`: what each version measured, and its change along the line of versions."""

from collections.abc import Mapping, Sequence
from typing import Any

from curation.evaluation.headline import measured
from curation.registry.version_chain import SETS, Change, chain
from curation.registry.versions import Entry
from curation.tables.codes import HELD_OUT_SPLITS

Row = dict[str, Any]


def listed(log: Sequence[Entry]) -> list[Row]:
    """Rows for machines, newest first: numbers with the limits of their 95 % intervals; "" where there is none.

    `<set>_accuracy` stands for test and for every benchmark set. `<set>_change` is the paired difference on shared
    images and classes since the version in `since`, for test and for all benchmark sets together.
    """
    chains = {name: chain(log, name) for name in SETS}
    sets = _sets(log)
    rows = []
    for index, entry in enumerate(reversed(log)):
        row: Row = {"version": entry.version, "action": entry.action, "now": index == 0, "time": entry.time}
        row |= {"person": entry.person, "classes": len(entry.classes)}
        facts = dict(measured(entry.metrics))
        for name in sets:
            row |= {f"{name}_{key}": facts.get(name, {}).get(key, "") for key in _KEYS}
        for name, found in chains.items():
            row |= _changed(name, found.get(entry.version))
        rows.append({**row, "reason": entry.reason})
    return rows


_KEYS = ("accuracy", "accuracy_low", "accuracy_high")


def _sets(log: Sequence[Entry]) -> list[str]:
    """The sets that some version was measured on: test first, then the benchmark sets by name."""
    names = {name for entry in log for name, _ in measured(entry.metrics) if name.split("/")[0] in HELD_OUT_SPLITS}
    return sorted(names, key=lambda name: (name != HELD_OUT_SPLITS[0], name))


def _changed(name: str, found: tuple[str, Change] | None) -> Row:
    since, change = found or ("", None)
    if change is None or not change.steps:
        return {f"{name}_{key}": "" for key in ("since", "change", "change_low", "change_high")}
    limits = {"change": change.difference, "change_low": change.low, "change_high": change.high}
    return {f"{name}_since": since} | {f"{name}_{key}": value for key, value in limits.items()}


def shown(rows: Sequence[Row]) -> list[Row]:
    """The same rows for people: a number and its interval are one cell."""
    return [_shown(row) for row in rows]


def _shown(row: Mapping[str, Any]) -> Row:
    out: Row = {}
    for key, value in row.items():
        if key.endswith(("_low", "_high", "_since")):
            continue
        low, high = row.get(f"{key}_low", ""), row.get(f"{key}_high", "")
        if low == "" or value == "":
            out[key] = value
        elif key.endswith("_change"):
            since = row[f"{key.removesuffix('_change')}_since"]
            out[key] = f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f}) since {since}"
        else:
            out[key] = f"{value:.3f} ({low:.3f} to {high:.3f})"
    return out
