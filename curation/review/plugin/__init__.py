"""What FiftyOne loads from its plugin folder: it registers the classes of the installed package `curation`."""

from typing import Any

from curation.review.interface.operators import DECISIONS
from curation.review.interface.panel import ReviewPanel
from curation.review.interface.wayfinding import WAYS


def register(plugin: Any) -> None:
    """Called by FiftyOne for each plugin it finds."""
    for operator in [*DECISIONS, *WAYS, ReviewPanel]:
        plugin.register(operator)
