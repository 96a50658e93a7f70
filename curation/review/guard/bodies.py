"""What the body of a request may ask: about one dataset only, and with view stages that only choose samples.

FiftyOne builds a view stage from any class that a request names, and hands expressions to MongoDB as they are. So a
request could import a class of any module, run JavaScript in the database (`$where`, `$function`), or join another
collection (`$lookup`, the stages Mongo and Concat). These checks let through the stages of the App's own menus, and no
name of another dataset in any place where FiftyOne reads one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from curation.files.parsed import parse_json

SAFE_STAGES = """
    Exclude ExcludeBy ExcludeFields ExcludeLabels Exists FilterField FilterLabels GroupBy Limit LimitLabels Match
    MatchLabels MatchTags Select SelectBy SelectFields SelectLabels Shuffle Skip SortBy SortBySimilarity Take
"""
STAGES = frozenset(f"fiftyone.core.stages.{name}" for name in SAFE_STAGES.split())
DATASET_KEYS = frozenset({"dataset", "datasetName", "dataset_name"})
ID_KEYS = frozenset({"datasetId", "dataset_id"})
OPERATIONS = """
    $where $function $accumulator $code $lookup $graphLookup $unionWith $out $merge $collStats $currentOp $documents
    $listSessions $planCacheStats
"""
CODE = frozenset(OPERATIONS.split())
DEEPEST = 60  # levels of a body


class BodyError(ValueError):
    """A body that the guard does not let through; the message says why."""


def parse(body: bytes) -> dict[str, Any]:
    """Read a body of JSON. BodyError where it is none, no object, or names a key twice."""
    try:
        value = parse_json(body, _pairs)
    except ValueError as error:
        raise BodyError(f"no JSON that can be read: {error}") from None
    if not isinstance(value, dict):
        raise BodyError("no JSON object")
    return value


def check(value: Any, dataset: str, dataset_id: str) -> None:
    """Raise BodyError where a body, or a part of it, asks for another dataset or for code."""
    for key, item in walk(value):
        if key in CODE:
            raise BodyError(f"{key} runs code, or reads other data")
        if key in DATASET_KEYS and item not in (None, "", dataset):
            raise BodyError("another dataset")
        if key in ID_KEYS and item not in (None, "", dataset_id):
            raise BodyError("another dataset, by its id")
        if key.startswith("fiftyone.") and key not in STAGES:
            raise BodyError(f"the view stage {key}")
        if key == "_cls" and not (isinstance(item, str) and (item in STAGES or item.isidentifier())):
            raise BodyError(f"the class {item}")


def walk(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every key and value of nested objects and lists."""
    if depth > DEEPEST:
        raise BodyError("nested too deeply")
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    if isinstance(value, Mapping):
        yield from ((str(key), item) for key, item in value.items())
    for item in items:
        yield from walk(item, depth + 1)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BodyError("a key twice")
    return found
