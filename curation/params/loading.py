"""Read and check params.yaml: from the file or its text to `Params`, with errors that say what to change."""

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from curation.errors import CurationError, printable
from curation.files.parsed import parse_yaml
from curation.params.blocks import Params
from curation.params.messages import problems

TWICE = re.compile(r'found duplicate key "(.*?)"', re.DOTALL)


class ParamsError(CurationError):
    """params.yaml is missing or empty, is no YAML, or has a key or a value that is not allowed."""


def load(path: Path) -> Params:
    """Read and check params.yaml. ParamsError names every key that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParamsError(f"{path} does not exist: it holds the settings of the project") from None
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from None
    return read(text, str(path))


def read(text: str, where: str = "params.yaml") -> Params:
    """Check the text of a params.yaml, as `load` does for a file."""
    try:
        values = parse_yaml(text)
    except YAMLError as error:
        raise ParamsError(f"{where}{_fault(error)}") from None
    if values is None:
        fix = "git can bring it back: git checkout -- params.yaml"
        raise ParamsError(f"{where} is empty, and it must hold the settings of the project; {fix}")
    return parse(values, where)


def parse(values: dict[str, Any], where: str = "params.yaml") -> Params:
    """Check a dictionary of parameters, as `load` does for a file."""
    if not isinstance(values, dict):
        raise ParamsError(f"{where} holds {str(values)[:60]!r}: expected lines such as `lr: 0.001`")
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise ParamsError(f"{where}: {problems(error)}") from None


def _fault(error: YAMLError) -> str:
    """Say in one line what is no YAML, and on which line it stands."""
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    place = f", line {mark.line + 1}" if mark else ""
    problem = str(error.problem) if isinstance(error, MarkedYAMLError) and error.problem else str(error)
    twice = TWICE.search(problem)
    if twice:
        return f"{place}: the key `{printable(twice[1])}` stands twice in its block; keep one of the two lines"
    hint = "; indent with spaces, not with tabs" if r"'\t'" in problem else ""
    return f"{place}, is no valid YAML: {' '.join(problem.split())}{hint}"
