"""The words of the App about the label of an image: they follow the probability that the label is wrong, and only that.

The bar and the panel show the same words. benchmarks/label_probability.py compares the probability with planted flips.
"""

from curation.tables.codes import PROBABLE


def label_words(suggested: str | None, wrong: float | None) -> str:
    """Say what is suggested and how probably the label is wrong; "" without a suggestion.

    wrong: P(wrong label). None or 0 means that none was estimated. Only below the cut of the queue is the label called
    probably right.
    """
    if not suggested:
        return ""
    if not wrong:
        return f"suggested: {suggested}"
    if wrong < PROBABLE:
        return f"label probably right (wrong: {_percent(wrong)}, then {suggested})"
    return f"suggested: {suggested} (wrong label: {_percent(wrong)})"


def _percent(probability: float) -> str:
    """A probability without a false 0% or 100%."""
    if probability < 0.01:
        return "under 1%"
    return "over 99%" if probability > 0.99 else f"{probability:.0%}"
