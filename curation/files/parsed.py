"""Read JSON, YAML and Parquet that others wrote, so that whatever is wrong with a text is one kind of error.

Python's `json` fails on a deeply nested text with a RecursionError, and accepts half of a surrogate pair, a text that
no file can hold. ruamel's readers of numbers and times raise errors of Python on what looks like one and is none.
"""

import itertools
import json
import re
import warnings
from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
BRACKET = re.compile(r"[\[\]{}]")
DEEPEST = 100  # brackets in brackets: the time of ruamel grows with the square of their number


def parse_json(data: str | bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Read a text of JSON; bytes are UTF-8. ValueError where it is none, is nested too deeply, or can't be written.

    pairs: what makes an object of its keys and values, as `object_pairs_hook` of json.loads.
    """
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    try:
        value = json.loads(text, object_pairs_hook=pairs)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError(r"it has half of a surrogate pair, such as \ud800, which is no character") from None
    return value


def speaks_of_bytes(error: Exception) -> bool:
    """Whether an error of pyarrow is about the bytes of a file. It raises OSError for these as well as for the disk."""
    return not (isinstance(error, OSError) and error.errno)


def parse_yaml(text: str) -> Any:
    """Read a text of YAML with plain values only. YAMLError where it is none, or is nested too deeply."""
    if _brackets_deep(text) > DEEPEST:
        raise YAMLError("it is nested too deeply")
    try:
        with warnings.catch_warnings():  # an anchor that is used twice is right YAML, and ruamel warns of it
            warnings.simplefilter("ignore")
            return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        raise
    except RecursionError:
        raise YAMLError("it is nested too deeply") from None
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, AssertionError) as error:
        raise YAMLError(f"a value in it can't be read ({error})") from None


def _brackets_deep(text: str) -> int:
    """How many brackets stand in one another at most."""
    steps = (1 if mark in "[{" else -1 for mark in BRACKET.findall(text))
    return max(itertools.accumulate(steps, initial=0))
