"""Near-duplicates: all pairs within a Hamming radius, verified on pixels, grouped, and which copy to keep.

`from curation.dedupe import find_duplicates` is the way in; it is looked up when asked for, as it needs the compiler.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curation.dedupe.find import find_duplicates

__all__ = ["find_duplicates"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from curation.dedupe import find

    return getattr(find, name)
