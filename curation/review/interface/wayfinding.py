"""The operators of the plugin that decide nothing: they describe the queue and the open image, and open views."""

from typing import Any

import fiftyone.operators as foo

from curation.errors import CurationError
from curation.review.interface import decide, pair_decisions
from curation.review.interface.label_words import label_words
from curation.review.interface.operators import one_of, targets
from curation.review.saved_views import stale, tidy, waiting


class Info(foo.Operator):  # type: ignore[misc]
    """Return what the key bindings need: whether this is a queue, its classes, sets and views, and what is left."""

    @property
    def config(self) -> Any:
        """Hidden from the operator browser."""
        return foo.OperatorConfig(name="info", label="Review: info", unlisted=True, view_target=False)

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Answer {"queue": False} for any other dataset."""
        if ctx.dataset is None or "curation_root" not in ctx.dataset.info:
            return {"queue": False}
        info = ctx.dataset.info
        try:
            known = decide.classes(ctx.dataset)
        except CurationError as error:
            return {"queue": False, "error": str(error)}
        found = {"classes": known, "sets": info.get("curation_sets", []), "views": ctx.dataset.list_saved_views()}
        return {"queue": True, **found, **decide.left(ctx.dataset), "stale": bool(stale(ctx.dataset).count())}


class Describe(foo.Operator):  # type: ignore[misc]
    """Return the facts of the open sample: label, prediction, suggestion, decision, and its cluster's explanation."""

    @property
    def config(self) -> Any:
        """Hidden from the operator browser."""
        return foo.OperatorConfig(name="describe", label="Review: describe", unlisted=True, view_target=False)

    def execute(self, ctx: Any) -> dict[str, Any]:
        """The facts of the open sample, and whether it is gone from the view; {} when none is open."""
        if not ctx.current_sample:
            return {}
        gone = not ctx.view.select(ctx.current_sample).count()
        return {**describe(ctx.dataset, ctx.current_sample), "gone": gone}


class ShowNearest(foo.Operator):  # type: ignore[misc]
    """Show the open or selected errors between the correct images that lie nearest to them."""

    @property
    def config(self) -> Any:
        """How the App lists it."""
        name, label = "show_nearest", "Review: show the nearest right answers (n)"
        return foo.OperatorConfig(name=name, label=label, view_target=False)

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Set the view to the samples and their neighbours."""
        ids = targets(ctx)
        if not ids:
            ctx.ops.notify("open an image, or select some in the grid", variant="warning")
            return {}
        nearest = ctx.dataset.select(ids).values("nearest_correct")
        wanted = list(dict.fromkeys(one for line in nearest for one in line or []))
        there = ctx.dataset.match({"image_id": {"$in": wanted}}).values("id")
        ctx.ops.close_sample()
        ctx.ops.set_view(ctx.dataset.select([*ids, *there], ordered=True))
        return {"shown": len(there)}


class OpenView(foo.Operator):  # type: ignore[misc]
    """Open a saved view."""

    @property
    def config(self) -> Any:
        """How the App lists it."""
        return foo.OperatorConfig(name="open_view", label="Review: go to a saved view (v)", view_target=False)

    def resolve_input(self, ctx: Any) -> Any:
        """Which view."""
        return one_of("Saved view", ctx.dataset.list_saved_views())

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Load it."""
        name = ctx.params.get("choice", "")
        if ctx.dataset.has_saved_view(name):
            if ctx.current_sample:
                ctx.ops.close_sample()
            ctx.ops.set_view(name=name)
        return {"view": name}


class Refresh(foo.Operator):  # type: ignore[misc]
    """Draw the grid again after decisions on open samples. The open sample is closed."""

    @property
    def config(self) -> Any:
        """Hidden from the operator browser."""
        return foo.OperatorConfig(name="refresh", label="Review: refresh", unlisted=True, view_target=False)

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Let decided images leave the view and ask the App to reload it; `left` is how many still wait in it."""
        if ctx.current_sample:
            ctx.ops.close_sample()
        tidy(ctx.dataset)
        ctx.ops.reload_samples()
        return {"left": waiting(ctx.view).count()}


def describe(dataset: Any, one: str) -> dict[str, Any]:
    """Return the facts of one sample that a reviewer needs to decide, and those of its partner, if it has one."""
    fields = ["ground_truth.label", "prediction.label", "prediction.confidence", "suggestion.label"]
    names = ["label", "predicted", "confidence", "suggested"]
    plain = ["suggestion.confidence", "kind", "split", "cluster", "explanation", "decision"]
    columns = dataset.select([one]).values([*fields, *plain, "id"])
    keys = [*names, "label_error", *plain[1:], "id"]
    facts = {key: column[0] if column else None for key, column in zip(keys, columns, strict=True)}
    facts["label_words"] = label_words(facts["suggested"], facts["label_error"])
    pair = pair_decisions.pair_of(dataset, one)
    if pair is None:
        return facts
    other = pair.other(one)
    side = "right" if other is pair.right else "left"
    shown = {"side": side, "label": other.label, "file": other.file, "decided": pair.decided}
    return {**facts, "decision": facts["decision"] or pair.decided, "partner": shown}


WAYS = [Info, Describe, ShowNearest, OpenView, Refresh]
