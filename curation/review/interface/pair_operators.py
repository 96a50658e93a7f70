"""The operators of the plugin that decide on two images at once; see `pair_decisions` for what they write.

They are about the pairs of the selected samples and of the open one. `SettleMarked` is about all probable marked copies
that wait, or about the selected ones.
"""

from typing import Any

from fiftyone.operators import types

from curation.review.interface import decide, pair_decisions
from curation.review.interface.operators import Decide, DecideByCall
from curation.tables.codes import Word

SETTLED = {Word.COPY.value: "All of these are copies", Word.NOT_COPY.value: "None of these is a copy"}


class AcceptLeft(DecideByCall):
    """Accept the label of the left image for both."""

    name, label, unlisted = "accept_left", "Review: the left label is right for both (,)", False
    said, call = "the left label", staticmethod(pair_decisions.accept_left)


class AcceptRight(DecideByCall):
    """Accept the label of the right image for both."""

    name, label, unlisted = "accept_right", "Review: the right label is right for both (.)", False
    said, call = "the right label", staticmethod(pair_decisions.accept_right)


class NotACopy(DecideByCall):
    """Say that the two images are different pictures."""

    name, label, unlisted = "not_a_copy", "Review: two different pictures, no copy (t)", False
    said, call = "no copy", staticmethod(pair_decisions.not_a_copy)


class IsACopy(DecideByCall):
    """Say that the two images are the same picture."""

    name, label, unlisted = "is_a_copy", "Review: the same picture, a copy (c)", False
    said, call = "a copy", staticmethod(pair_decisions.is_a_copy)


class BothUnknown(DecideByCall):
    """Say of both images that nobody knows what they show."""

    name, label, unlisted = "both_unknown", "Review: nobody knows what the two show (q)", False
    said, call = "both unknown", staticmethod(pair_decisions.both_unknown)


class SettleMarked(Decide):
    """Settle all probable marked copies at once, or the selected ones: all of them are copies, or none is."""

    name, label, unlisted = "settle_marked", "Review: settle the probable marked copies", False

    def resolve_input(self, ctx: Any) -> Any:
        """Which of the two."""
        inputs = types.Object()
        choices = types.RadioGroup()
        for value, words in SETTLED.items():
            choices.add_choice(value, label=words)
        number = len(ctx.selected)
        about = f"The pairs of the {number} selected images" if number else "All pairs of the view `marked copies`"
        inputs.enum("choice", choices.values(), label=about, view=choices, required=True)
        return types.Property(inputs)

    def chosen(self, ctx: Any) -> str:
        """What the answer calls it."""
        return SETTLED.get(ctx.params.get("choice", ""), "")

    def write(self, ctx: Any, ids: list[str], reviewer: str) -> int:  # noqa: ARG002
        """Write one decision for each pair."""
        choice = ctx.params.get("choice", "")
        if choice not in SETTLED:
            raise decide.DecisionError(f"`{choice}` is neither `copy` nor `not_copy`")
        return pair_decisions.settle_marked(ctx.dataset, Word(choice), ctx.selected or (), reviewer)


PAIRS = [AcceptLeft, AcceptRight, NotACopy, IsACopy, BothUnknown, SettleMarked]
