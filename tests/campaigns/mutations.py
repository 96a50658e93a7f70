"""Turn good inputs into hostile ones, drawn from a seed: bytes, trees of JSON, and rows of cells.

The edits of bytes are those of AFL's stage "havoc" (https://lcamtuf.coredump.cx/afl/). Damaged bytes seldom get past
the first check of a grammar, so JSON, YAML and CSV are also changed as values, and written out as what they are.
"""

import copy
import csv
import io
import json
import math
from random import Random
from typing import Any

NUMBERS = (
    0,
    -1,
    1,
    2,
    127,
    255,
    2**31,
    -(2**63),
    2**64,
    10**400,
    0.0,
    -0.0,
    1e308,
    5e-324,
    math.nan,
    math.inf,
    -math.inf,
)
TEXTS = (
    *(
        "",
        " ",
        "\0",
        "a\nb",
        "a\rb",
        "\ufeff",
        "\u2028",
        "\u202e",
        "\ud800",
        "é",
        "e\u0301",
        "日本",
        "\U0001f408",
        "NaN",
    ),
    *("nan", "NA", "null", "None", "true", "1e5", "007", "-", ".", "..", "../../x", "/etc/passwd", "C:\\x", "unknown"),
    *("0001-01-01", "9999-12-31T23:59:59-23:59", "2026-02-30", "2026-11-27T14:05:00+00:00", "=1+1", "@x", "<b>", "{}"),
    *("%s", "${lr}", "a" * 300, "9" * 5000, '"', "'", "[/x]", "benchmark:x", "turn:90", "copy:" + "0" * 32, "0" * 32),
)
DEEP = 3000  # levels of a tree that a recursive reader gives up on


def havoc(data: bytes, random: Random, tokens: tuple[bytes, ...] = ()) -> bytes:  # noqa: C901 - one edit a branch
    """Change bytes in one to eight places."""
    changed = bytearray(data)
    for _ in range(1 << random.randrange(4)):
        at = random.randrange(len(changed) + 1)
        size = min(random.choice((1, 1, 2, 4, 8, 32, 200)), len(changed) - at)
        what = random.randrange(9)
        if what == 0 and at < len(changed):
            changed[at] ^= 1 << random.randrange(8)
        elif what == 1 and at < len(changed):
            changed[at] = random.choice((0, 1, 9, 10, 13, 32, 34, 39, 44, 45, 58, 127, 128, 255, random.randrange(256)))
        elif what == 2:
            del changed[at : at + size]
        elif what == 3:
            changed[at:at] = random.randbytes(size)
        elif what == 4:
            changed[at : at + size] = bytes(size)
        elif what == 5:
            changed[at:at] = bytes(changed[at : at + size]) * random.choice((1, 2, 50))
        elif what == 6 and tokens:
            changed[at:at] = random.choice(tokens)
        elif what == 7:
            other = random.randrange(len(changed) + 1)
            changed[at : at + size], changed[other : other + size] = (
                changed[other : other + size],
                changed[at : at + size],
            )
        elif what == 8 and random.random() < 0.3:
            del changed[at:]
    return bytes(changed)


def odd(random: Random) -> Any:
    """A value that few programs expect."""
    what = random.randrange(8)
    if what < 3:
        return random.choice(TEXTS)
    if what < 5:
        return random.choice(NUMBERS)
    return random.choice((None, True, False, [], {}, [[]], {"": None}, ["a", "a"], [None], {"a": {"a": {}}}))


def regrow(tree: Any, random: Random) -> Any:
    """Change a tree of JSON in one to four places: another value, a key lost, added, doubled or renamed."""
    tree = copy.deepcopy(tree)
    for _ in range(1 << random.randrange(3)):
        parent, key = _place(tree, random)
        if parent is None:
            tree = odd(random)
        elif (what := random.randrange(6)) < 3:
            parent[key] = odd(random)
        elif what == 3:
            del parent[key]
        elif isinstance(parent, dict):
            parent[random.choice(TEXTS) if what == 4 else str(key) + "s"] = parent[key]
        else:
            parent.insert(random.randrange(len(parent) + 1), copy.deepcopy(parent[key]))
    return tree


def _place(tree: Any, random: Random) -> tuple[Any, Any]:
    """A node of the tree, as its parent and its key there; the root has no parent."""
    places = [(None, None)]
    _gather(tree, places)
    return random.choice(places)


def _gather(node: Any, places: list[tuple[Any, Any]]) -> None:
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            _gather(node[key], places)


def as_json(tree: Any, random: Random) -> bytes:
    """Write a tree as JSON, also what is no JSON in a strict sense (NaN, half a surrogate pair), at times very deep."""
    text = json.dumps(tree, ensure_ascii=random.random() < 0.5)
    if random.random() < 0.01:
        text = "[" * DEEP + text + "]" * DEEP
    return text.encode("utf-8", "surrogatepass" if random.random() < 0.5 else "replace")


def json_of(tree: Any, random: Random) -> bytes:
    """A hostile document of JSON, from a good one: changed as a tree, and one in three as bytes too."""
    data = as_json(regrow(tree, random), random)
    return havoc(data, random, (b"null", b"[", b"{", b'"', b"1e999", b"\\ud800")) if random.random() < 1 / 3 else data


def csv_of(rows: list[list[str]], random: Random) -> bytes:
    """A hostile table of CSV, from a good one: changed cells, rows and columns, and one in three as bytes too."""
    rows = [list(row) for row in rows]
    for _ in range(1 << random.randrange(3)):
        row = random.choice(rows)
        what = random.randrange(6)
        if what < 3 and row:
            row[random.randrange(len(row))] = str(odd(random))
        elif what == 3 and row:
            del row[random.randrange(len(row))]
        elif what == 4:
            rows.insert(random.randrange(len(rows) + 1), list(row))
        else:
            row.insert(random.randrange(len(row) + 1), str(odd(random)))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=random.choice(("\n", "\n", "\r\n", "\r"))).writerows(rows)
    data = text.getvalue().encode("utf-8", "surrogatepass")
    return havoc(data, random, (b'"', b",", b"\n", b"\r", b'""', b"\xef\xbb\xbf")) if random.random() < 1 / 3 else data
