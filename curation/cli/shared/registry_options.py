"""The options that `curate promote` and `curate rollback` share, and what they print as JSON."""

from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.output import print_json

if TYPE_CHECKING:
    from curation.registry.promote import Outcome

Reason = Annotated[str, typer.Option("--reason", help="The reason in words. The log and the model card keep it.")]
Commit = Annotated[
    bool,
    typer.Option(
        help="Commit the change and tag the version. Nothing is committed while there are other uncommitted changes."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object: version, action, md5, objections, notes.")]


def print_outcome(done: "Outcome") -> None:
    """Print the version that is production now, the objections of the gate, and the notes, as JSON."""
    entry = done.entry
    facts = {"version": entry.version, "action": entry.action, "md5": entry.md5}
    print_json({**facts, "objections": list(done.gate.objections), "notes": done.notes})
