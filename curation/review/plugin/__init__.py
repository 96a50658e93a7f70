"""The file that FiftyOne loads from its plugin folder. It registers the classes of the installed package `curation`."""

from typing import Any

from curation.review.interface.operators import DECISIONS
from curation.review.interface.pair_operators import PAIRS
from curation.review.interface.panel import ReviewPanel
from curation.review.interface.wayfinding import WAYS


def register(plugin: Any) -> None:
    """Register the operators and the panel. FiftyOne calls this function for each plugin that it finds."""
    for operator in [*DECISIONS, *PAIRS, *WAYS, ReviewPanel]:
        plugin.register(operator)
