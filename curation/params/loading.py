"""Read and check params.yaml: from the file or its text to `Params`, with errors that say what to change."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from curation.errors import CurationError
from curation.params.blocks import Params


class ParamsError(CurationError):
    """params.yaml is missing, is no YAML, or has a key or a value that is not allowed."""


def load(path: Path) -> Params:
    """Read and check params.yaml. ParamsError names every key that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParamsError(f"{path} does not exist: it holds the settings of the project") from None
    return read(text, str(path))


def read(text: str, where: str = "params.yaml") -> Params:
    """Check the text of a params.yaml, as `load` does for a file."""
    try:
        values = YAML(typ="safe", pure=True).load(text) or {}
    except YAMLError as error:
        raise ParamsError(f"{where} is no valid YAML: {error}") from None
    return parse(values, where)


def parse(values: dict[str, Any], where: str = "params.yaml") -> Params:
    """Check a dictionary of parameters, as `load` does for a file."""
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        lines = [_line(item["loc"], item["msg"], item.get("input"), item["type"]) for item in error.errors()]
        raise ParamsError(f"{where}: " + "; ".join(lines)) from None


def _line(location: tuple[int | str, ...], message: str, found: object, kind: str) -> str:
    key = ".".join(str(part) for part in location) or "the file"
    if kind == "extra_forbidden":
        return f"`{key}` is not a known key; params.yaml of a new project has all known keys"
    if kind == "missing":
        return f"`{key}` is missing"
    if kind == "string_type" and isinstance(found, bool | int | float):
        name = key.removesuffix(".[key]")
        what = f"the key {found!r} in `{name}`" if name != key else f"`{key}`, {found!r},"
        return f"{what} must be text; write it in quotes: '{found}'"
    return f"`{key}` is {found!r}: {message[0].lower()}{message[1:]}"
