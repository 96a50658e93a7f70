"""What is wrong with a key of params.yaml, in words: the key, what was found, what is expected, a known key near it.

pydantic finds what is wrong. Its own texts speak of Python's types, so each kind of error has words of this project.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from curation.errors import printable
from curation.params.blocks import Params

Location = tuple[int | str, ...]

EXPECTED = {
    "greater_than": "a number greater than {gt}",
    "greater_than_equal": "a number greater than or equal to {ge}",
    "less_than": "a number less than {lt}",
    "less_than_equal": "a number less than or equal to {le}",
    "finite_number": "a number that is not infinite",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "literal_error": "{expected}",
    "list_type": "a list, such as [1, 2]",
    "dict_type": "keys with values, such as {{a: 1}}",
    "model_type": "a block of keys",
    "too_short": "a list of at least {min_length}",
}
UNKNOWN_KEY = ("extra_forbidden", "literal_error.[key]")
SPACE = ("tune", "space")  # each of its keys is a range or a list, and pydantic names both in the location
KEY = "[key]"


def problems(error: ValidationError) -> str:
    """Say in one sentence for each key what is wrong with it."""
    expected: dict[str, list[str]] = {}
    lines: list[str] = []
    for item in error.errors():
        if not _is_other_branch(item):
            _add(item, expected, lines)
    lines += [f"{key}: expected {' or '.join(wanted)}" for key, wanted in expected.items()]
    return printable("; ".join(lines))


def _add(item: Mapping[str, Any], expected: dict[str, list[str]], lines: list[str]) -> None:
    """Add one error: to what a key is expected to be, or as a sentence of its own."""
    location, kind, found = _without_branch(item["loc"]), item["type"], item.get("input")
    if location and location[-1] == KEY and kind != "string_type":
        location, kind = location[:-1], UNKNOWN_KEY[1]
    key = _dotted(location)
    if kind in UNKNOWN_KEY:
        lines.append(f"`{key}` is not a known key{_near(location)}")
    elif kind == "missing":
        lines.append(f"`{key}` is missing")
    elif kind == "string_type" and isinstance(found, bool | int | float):
        name = key.removesuffix(f".{KEY}")
        what = f"the key {found!r} in `{name}`" if name != key else f"`{key}`, {found!r},"
        lines.append(f"{what} must be text; write it in quotes: '{found}'")
    elif kind == "value_error":
        what = f"`{key}`" if isinstance(found, dict) else f"`{key}` is {found!r}"
        lines.append(f"{what}: {item['ctx']['error']}")
    else:
        what = f"`{key}` is empty" if found is None else f"`{key}` is {found!r}"
        wanted = expected.setdefault(what, [])
        words = EXPECTED[kind].format(**item.get("ctx", {})) if kind in EXPECTED else item["msg"]
        wanted += [] if words in wanted else [words]


def _is_other_branch(item: Mapping[str, Any]) -> bool:
    """Whether an error only says that a range is no list, or that a list is no range."""
    found, kind = item.get("input"), item["type"]
    within = item["loc"][:2] == SPACE
    return within and (
        (kind == "list_type" and isinstance(found, dict)) or (kind == "model_type" and isinstance(found, list))
    )


def _without_branch(location: Location) -> Location:
    """Take out of the location of a key of tune.space what pydantic adds to it: the type that it tried."""
    if location[:2] != SPACE:
        return location
    names = ("Range", "bool", "int", "float", "str")
    rest = [part for part in location[3:] if part not in names and not str(part).startswith("list[")]
    return (*location[:3], *rest)


def _near(location: Location) -> str:
    """Name the known keys that an unknown key may stand for."""
    known = _keys(Params)
    *block, name = location
    path = _dotted(tuple(block))
    beside = [key for key in known if key.rpartition(".")[0] == path]
    if block[:2] == ["cutoff", "classes"]:
        beside = [f"{path}.min", f"{path}.max"]
    near = difflib.get_close_matches(_dotted(location), beside, n=1) if beside else []
    elsewhere = [key for key in known if key.rpartition(".")[2] == str(name)]
    near = near or elsewhere or difflib.get_close_matches(_dotted(location), known, n=1)
    return f"; did you mean {' or '.join(f'`{key}`' for key in near)}?" if near else f"; known are: {', '.join(beside)}"


def _keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Every known key of a block and of the blocks in it, with dots."""
    found = []
    for name, field in model.model_fields.items():
        found.append(f"{prefix}{name}")
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += _keys(field.annotation, f"{prefix}{name}.")
    return found


def _dotted(location: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in location)
