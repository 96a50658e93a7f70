"""`curate split` shows the splits of every class, and checks that no image leaks, now and between two git revisions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import Rows, new_file, note, print_json, show, write_csv

if TYPE_CHECKING:
    import pandas as pd

    from curation.selection.split_check import Round

SHOWN = 20  # images named for each change, where people read


@app.command("split", epilog="Example: curate split --check HEAD~1 --json")
def split_command(
    before: Annotated[str, typer.Argument(help="A git revision to compare with.")] = "",
    after: Annotated[str, typer.Argument(help="A second git revision. The default is the working tree.")] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Check every rule. The exit code is 1 when one is broken.")
    ] = False,
    suggest_groups: Annotated[
        bool, typer.Option("--suggest-groups", help="Offer bursts as rows for metadata.csv: file_name and group.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="With --suggest-groups: a new CSV file for the rows.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the splits of every class, or check that no image, copy or earlier model leaks into val, test or benchmark.

    Use --check to prove that an evaluation is honest. With one revision it also lists the images that changed their
    split since then, and why; with two revisions, between them. The lineage in the base model says what earlier models
    were trained on.

    Use --suggest-groups to find pictures that one camera took within 3 seconds of each other, by EXIF or captured_at.
    Rows that you put into data/raw/metadata.csv keep a burst in one split. Nothing is written but the file of --out.
    """
    if suggest_groups:
        _suggest(out, as_json=as_json)
        return
    if not check and not before:
        show(_classes(), as_json=as_json, title="images of every class in each split")
        return
    rounds = {name or "working tree": _round(name) for name in ([before, after] if before else [""])}
    if as_json:
        print_json({"rules": _rules(rounds), "changes": _changes(rounds)})
    else:
        _print(rounds)
    if any(row["broken"] for row in _rules(rounds)):
        raise typer.Exit(1)


def _suggest(out: Path | None, *, as_json: bool) -> None:
    """Show or write the rows of bursts, and say how many there are."""
    from curation import tables
    from curation.project import Project
    from curation.selection.groups.suggested_groups import FROM_IMAGES, suggested_groups

    project, place = Project.find(), new_file(out)
    found = suggested_groups(project.table(tables.IMAGES, FROM_IMAGES), project.root)
    if place:
        write_csv(found, place)
    if as_json:
        print_json(_records(found))
        return
    if not place:
        show(_records(found), title="pictures of bursts, as rows for data/raw/metadata.csv")
    note(f"{len(found):,} pictures in {found['group'].nunique():,} bursts")


def _classes() -> Rows:
    from curation import tables
    from curation.project import Project
    from curation.selection.funnel import by_split

    return _records(by_split(Project.find().table(tables.SPLITS)))


def _records(frame: "pd.DataFrame") -> Rows:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _round(revision: str) -> "Round":
    """Return a round with the lineage of its base model, and with the renewals of the benchmark, at that revision."""
    from curation.model.header import read_header
    from curation.project import Project
    from curation.selection.renewal.benchmark_renewals import read_renewals, renewed
    from curation.selection.split_check import Round

    project = Project.find()
    reader = project.at(revision) if revision else project
    log = project.relative(project.benchmark_renewals)
    renewals = read_renewals(reader.file(log) if reader.has(log) else None)
    return Round.read(reader, renewed(read_header(reader.file(reader.params().base_model)).known, renewals))


def _rules(rounds: "dict[str, Round]") -> Rows:
    from curation.selection.split_check import verdicts

    return [
        {"revision": name, "rule": verdict.rule, "broken": len(verdict.broken), "images": verdict.broken[:SHOWN]}
        for name, found in rounds.items()
        for verdict in verdicts(found)
    ]


def _changes(rounds: "dict[str, Round]") -> Rows:
    from curation.selection.split_check import changes

    if len(rounds) < 2:
        return []
    before, after = rounds.values()
    return _records(changes(before, after))


def _print(rounds: "dict[str, Round]") -> None:
    import pandas as pd

    marks = [
        {**row, "broken": row["broken"] or "ok", "images": " ".join(image[:12] for image in row["images"])}
        for row in _rules(rounds)
    ]
    show(marks, title="rules")
    if len(rounds) < 2:
        return
    table = pd.DataFrame(_changes(rounds), columns=["image_id", "label", "before", "after", "why"])
    counts = table.groupby(["before", "after"]).size().rename("images").reset_index()
    show(_records(counts), title=" -> ".join(rounds))
    some = table.groupby(["before", "after"]).head(SHOWN)
    show(
        _records(some.assign(image_id=some["image_id"].str[:12])),
        title=f"images that changed (up to {SHOWN} of each change)",
    )
