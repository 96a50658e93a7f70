"""Near-duplicates: find all pairs of similar images, verify them on their pixels, and decide which copy stays.

`from curation.dedupe import find_duplicates` is the public call. The module behind it is imported on first use, because
it loads the compiler numba.
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
