"""The operators of the plugin: the decisions of a reviewer on the selected samples and on the open one.

The server of FiftyOne loads them through the small plugin folder that `plugin_install` copies. The keys
are bound in `plugin/dist/index.umd.js`, because FiftyOne binds no keys to Python operators. Each listed operator can
also be called from the operator browser (the key `). The structure follows the plugin guide of FiftyOne.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import fiftyone.operators as foo
from fiftyone.operators import types

from curation.errors import CurationError
from curation.review.decision_tags import parse
from curation.review.interface import decide
from curation.review.saved_views import tidy

TURNS = {"turn:90": "90° clockwise", "turn:180": "180°", "turn:270": "90° counter-clockwise"}


class Decide(foo.Operator):  # type: ignore[misc]
    """The base class of all decisions. The keys call it with the decision as a tag in `tag`."""

    name = "decide"
    label = "Review: decide"
    tag = ""
    unlisted = True

    @property
    def config(self) -> Any:
        """How the App lists the operator."""
        return foo.OperatorConfig(name=self.name, label=self.label, unlisted=self.unlisted, view_target=False)

    def chosen(self, ctx: Any) -> str:
        """The decision as a tag."""
        return self.tag or ctx.params.get("tag", "")

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Write the decision; `error` in the answer says why it could not be."""
        try:
            done = self.write(ctx, targets(ctx), ctx.params.get("reviewer", ""))
            answer = {"done": done, "tag": self.chosen(ctx), "error": "", **decide.left(ctx.dataset)}
        except CurationError as error:
            ctx.ops.notify(str(error), variant="error")
            return {"done": 0, "tag": "", "error": str(error)}
        if ctx.selected:
            ctx.ops.clear_selected_samples()
        if not ctx.current_sample:
            tidy(ctx.dataset)
            ctx.ops.reload_samples()
        return answer

    def write(self, ctx: Any, ids: list[str], reviewer: str) -> int:
        """Write the chosen decision for these samples."""
        decision = parse(self.chosen(ctx))
        if decision is None:
            raise decide.DecisionError(f"`{self.chosen(ctx)}` is no decision")
        return decide.decide(ctx.dataset, ids, decision, reviewer)


class DecideByCall(Decide):
    """The base class of decisions that one call of Python writes. said: what the answer calls the decision."""

    said: ClassVar[str]
    call: ClassVar[Callable[[Any, list[str], str], int]]

    def chosen(self, ctx: Any) -> str:  # noqa: ARG002
        """What the answer calls it."""
        return self.said

    def write(self, ctx: Any, ids: list[str], reviewer: str) -> int:
        """Write the decision for these samples."""
        return type(self).call(ctx.dataset, ids, reviewer)


class Accept(DecideByCall):
    """Accept the suggested label."""

    name, label, unlisted = "accept", "Review: accept the suggested label (a)", False
    said, call = "accepted", staticmethod(decide.accept)


class Keep(Decide):
    """Keep the image: it is hard, but its label is right."""

    name, label, tag, unlisted = "keep", "Review: keep, hard but right (k)", "keep", False


class Remove(Decide):
    """Remove the image from the data."""

    name, label, tag, unlisted = "remove", "Review: remove from the data (d)", "remove", False


class Unknown(Decide):
    """Move the image to the class `unknown`: it is a good image, but nobody knows what it shows."""

    name, label, tag, unlisted = "unknown", "Review: nobody knows what this is (u)", "unknown", False


class Relabel(Decide):
    """Give the image another label."""

    name, label, unlisted = "relabel", "Review: relabel (l)", False

    def resolve_input(self, ctx: Any) -> Any:
        """A class, from those there are or a new one."""
        return one_of("Label", decide.classes(ctx.dataset))

    def chosen(self, ctx: Any) -> str:
        """The label that was typed."""
        return f"relabel:{ctx.params.get('choice', '')}"


class ToBenchmark(Decide):
    """Put the image into a hand-made benchmark set, for good."""

    name, label, unlisted = "to_benchmark", "Review: to a benchmark set (b)", False

    def resolve_input(self, ctx: Any) -> Any:
        """The set's name, from those there are or a new one."""
        return one_of("Benchmark set", ctx.dataset.info.get("curation_sets", []))

    def chosen(self, ctx: Any) -> str:
        """The set that was typed."""
        return f"benchmark:{ctx.params.get('choice', '')}"


class NeedsTurning(Decide):
    """Say how the image must be turned to be upright."""

    name, label, unlisted = "needs_turning", "Review: needs turning (1, 2, 3)", False

    def resolve_input(self, ctx: Any) -> Any:  # noqa: ARG002
        """How far."""
        inputs = types.Object()
        turns = types.RadioGroup()
        for value, words in TURNS.items():
            turns.add_choice(value, label=words)
        inputs.enum("choice", turns.values(), label="Turn", view=turns, required=True, default="turn:90")
        return types.Property(inputs)

    def chosen(self, ctx: Any) -> str:
        """The turn that was picked."""
        return str(ctx.params.get("choice", ""))


class SubjectSmall(Decide):
    """Say that the subject is small in the image. Training never zooms out of such an image."""

    name, label, tag, unlisted = "subject_small", "Review: its subject is small (m)", "small", False


def targets(ctx: Any) -> list[str]:
    """Return the samples that a decision is about: the selected ones and the open one."""
    return list(dict.fromkeys([*ctx.selected, *([ctx.current_sample] if ctx.current_sample else [])]))


def one_of(title: str, values: list[str]) -> Any:
    """Return a form with one field `choice`: free text with completion from `values`."""
    inputs = types.Object()
    choices = [types.Choice(value, label=value) for value in values]
    view = types.AutocompleteView(choices=choices, allow_user_input=True)
    inputs.str("choice", label=title, required=True, view=view)
    return types.Property(inputs)


DECISIONS = [Decide, Accept, Keep, Remove, Unknown, Relabel, ToBenchmark, NeedsTurning, SubjectSmall]
