"""Apply `classes.merge` of params.yaml: the model sees merged classes; log and folders keep the original names."""

from collections.abc import Mapping

import pandas as pd

from curation.errors import CurationError
from curation.tables.class_names import UNKNOWN, canonical, look_alike


class MergeError(CurationError):
    """A table of class merges that goes round in a circle, or into a reserved class."""


def resolve_merges(merge: Mapping[str, str]) -> dict[str, str]:
    """Follow chains of merges to their end (a: b, b: c gives a: c); MergeError on a circle or a reserved class."""
    table = {canonical(old): canonical(new) for old, new in merge.items()}
    ends: dict[str, str] = {}
    for old, first in table.items():
        seen, new = [old], first
        while new in table and new != seen[-1]:
            if new in seen:
                raise MergeError(f"params.yaml `classes.merge` goes round: {' -> '.join([*seen, new])}. Take one out.")
            seen.append(new)
            new = table[new]
        ends[old] = new
    reserved = [old for old in ends if look_alike(UNKNOWN) in {look_alike(old), look_alike(ends[old])}]
    if reserved:
        raise MergeError(
            f"params.yaml `classes.merge` names `{reserved[0]}: {ends[reserved[0]]}`: `unknown` is reserved."
        )
    return ends


def merged(labels: pd.Series, ends: Mapping[str, str]) -> pd.Series:
    """Labels as the model sees them, after `resolve_merges`."""
    return labels.map(lambda label: ends.get(label, label)) if ends else labels
