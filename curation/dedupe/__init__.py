"""Near-duplicates: all pairs within a Hamming radius, verified on pixels, grouped, and which copy to keep.

`from curation.dedupe import find_duplicates` is the way in. It is looked up when it is asked for, because it needs the
compiler.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curation.dedupe.near_duplicates import find_duplicates

__all__ = ["find_duplicates"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from curation.dedupe import near_duplicates

    return getattr(near_duplicates, name)
