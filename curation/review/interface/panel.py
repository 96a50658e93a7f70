"""The panel of the plugin: the progress of the queue, the facts about the open image, and the decisions as buttons.

It is shown beside the grid and beside the open image. Its buttons call the same operators as the keys.
"""

from typing import Any
from urllib.parse import quote

from fiftyone.operators import Panel, PanelConfig, types

from curation.errors import CurationError
from curation.evaluation.queue.blind_review import BLIND
from curation.review.interface import decide
from curation.review.interface.wayfinding import describe
from curation.review.layout import legend

PLUGIN = "@curation/review"
BLIND_WORDS = "reviewed blind: the model's answer is not shown. Is the label right? `k` keeps it, `l` gives another."
BUTTONS = {
    "keep": ("Keep: hard but right", "check"),
    "unknown": ("Nobody knows", "help"),
    "remove": ("Remove", "delete"),
}
PAIR_BUTTONS = {
    "accept_left": ("Left: ", "arrow_back"),
    "accept_right": ("Right: ", "arrow_forward"),
    "not_a_copy": ("No copy", "call_split"),
    "is_a_copy": ("A copy", "content_copy"),
    "both_unknown": ("Both unknown", "help"),
}
KEYS = """
`a` accept the suggestion · `k` keep · `d` remove · `u` unknown · `l` relabel · `b` to a benchmark set ·
`1` `2` `3` turn by 90°, 180°, 270° · `m` its subject is small · `n` nearest right answers · `v` go to a view ·
`Enter` open the first image

Two images side by side: `,` the left label is right for both · `.` the right label · `t` no copy · `c` a copy ·
`q` nobody knows what the two show
"""


class ReviewPanel(Panel):  # type: ignore[misc]
    """The panel with the progress, the explanation, and a button for each decision."""

    @property
    def config(self) -> Any:
        """On both surfaces: the grid and the open sample."""
        return PanelConfig(name="review_panel", label="Review", icon="rate_review", surfaces="grid modal")

    def on_change_current_sample(self, ctx: Any) -> None:
        """Another image is open: render again."""

    def on_change_selected(self, ctx: Any) -> None:
        """Others are selected: render again."""

    def on_change_view(self, ctx: Any) -> None:
        """Another view: render again."""

    def accept(self, ctx: Any) -> None:
        """Accept the suggestion, by one click."""
        _run(ctx, "accept")

    def keep(self, ctx: Any) -> None:
        """Keep, by one click."""
        _run(ctx, "keep")

    def unknown(self, ctx: Any) -> None:
        """Nobody knows, by one click."""
        _run(ctx, "unknown")

    def remove(self, ctx: Any) -> None:
        """Remove, by one click."""
        _run(ctx, "remove")

    def accept_left(self, ctx: Any) -> None:
        """Accept the left label for both, by one click."""
        _run(ctx, "accept_left")

    def accept_right(self, ctx: Any) -> None:
        """Accept the right label for both, by one click."""
        _run(ctx, "accept_right")

    def not_a_copy(self, ctx: Any) -> None:
        """Say that the two are different pictures, by one click."""
        _run(ctx, "not_a_copy")

    def is_a_copy(self, ctx: Any) -> None:
        """Say that the two are the same picture, by one click."""
        _run(ctx, "is_a_copy")

    def both_unknown(self, ctx: Any) -> None:
        """Say of both that nobody knows, by one click."""
        _run(ctx, "both_unknown")

    def render(self, ctx: Any) -> Any:
        """Lay the panel out from the database as it is now."""
        panel = types.Object()
        try:
            decide.origin_of(ctx.dataset)
            counts = decide.left(ctx.dataset)
        except CurationError as error:
            panel.md(str(error), name="error")
            return types.Property(panel)
        panel.md(progress(counts), name="progress")
        facts = describe(ctx.dataset, ctx.current_sample) if ctx.current_sample else {}
        panel.md(facts_in_words(facts, len(ctx.selected)), name="facts")
        if facts or ctx.selected:
            _buttons(self, panel, facts)
        if facts.get("partner"):
            _pair_buttons(self, panel, facts)
        panel.md(KEYS, name="keys")
        panel.md(legend(), name="legend")
        return types.Property(panel, view=types.GridView(orientation="vertical", gap=1, px=2, py=1))


def progress(counts: dict[str, int]) -> str:
    """Return the progress of the queue as Markdown, with a bar."""
    total, done = counts["total"], counts["decided"]
    if not total:
        return "### The queue is empty"
    filled = round(20 * done / total)
    return f"### {done} of {total} decided, {counts['left']} left\n\n`{'█' * filled}{'░' * (20 - filled)}`"


def facts_in_words(facts: dict[str, Any], selected: int) -> str:
    """Return the facts about the open image as Markdown, and how many other images are selected."""
    lines = [f"**{selected} selected**: a decision is about all of them." if selected else ""]
    if facts:
        sure = f" ({facts['confidence']:.0%} sure)" if facts.get("confidence") is not None else ""
        answer = f"predicted **{facts['predicted']}**{sure}." if facts.get("kind") != BLIND else BLIND_WORDS
        lines.append(f"Labelled **{facts['label'] or 'nothing'}**, {answer}")
        if words := facts.get("label_words"):
            lines.append(f"{words[0].upper()}{words[1:]}.")
        if facts.get("explanation"):
            lines.append(f"Cluster {facts['cluster']}: {facts['explanation']}")
        if facts.get("decision"):
            lines.append(f"Decided: **{facts['decision']}**.")
    elif not selected:
        lines.append("Open an image, or select some in the grid.")
    return "\n\n".join(line for line in lines if line)


def _buttons(self: ReviewPanel, panel: Any, facts: dict[str, Any]) -> None:
    row = panel.h_stack("buttons", gap=1)
    if not facts or facts.get("suggested"):
        words = f"Accept: {facts['suggested']}" if facts else "Accept the suggestions"
        row.btn("accept", label=words, icon="done_all", variant="contained", on_click=self.accept)
    for name, (label, icon) in BUTTONS.items():
        row.btn(name, label=label, icon=icon, variant="outlined", on_click=getattr(self, name))


def _pair_buttons(self: ReviewPanel, panel: Any, facts: dict[str, Any]) -> None:
    """Show the partner's picture and the decisions on the two."""
    partner = facts["partner"]
    mine = {"left": "right", "right": "left"}[partner["side"]]
    labels = {partner["side"]: partner["label"] or "no label", mine: facts["label"] or "no label"}
    panel.md(f"This is the **{mine}** image of two. The {partner['side']} one:", name="pair")
    view = types.ImageView(width="100%", alt="the partner")
    panel.str("partner", default=media(partner["file"]), view=view)
    row = panel.h_stack("pair_buttons", gap=1)
    for name, (words, icon) in PAIR_BUTTONS.items():
        told = words + labels[words[:-2].lower()] if words.endswith(": ") else words
        row.btn(name, label=told, icon=icon, variant="outlined", on_click=getattr(self, name))


def media(path: str) -> str:
    """Return the address at which the App's server gives a file."""
    return f"/media?filepath={quote(path)}"


def _run(ctx: Any, name: str) -> None:
    ctx.trigger(f"{PLUGIN}/{name}", {})
