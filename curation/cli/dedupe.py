"""`curate dedupe FOLDER` finds the near-duplicates of any folder of images. It needs no DVC and no project."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curation.cli.shared.app import app
from curation.cli.shared.output import new_file, note, print_json, say, show, write_csv

if TYPE_CHECKING:
    from curation.params import Params


@app.command()
def dedupe(
    folder: Annotated[Path, typer.Argument(help="A folder of images. Its first folder level is the label.")],
    *,
    html: Annotated[
        Path | None, typer.Option(help="Write a contact sheet of the groups to this file.", callback=new_file)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: groups, conflicts, marked, unreadable.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write the table to this file as well.", callback=new_file)] = None,
    radius: Annotated[int | None, typer.Option(min=0, help="Most bits in which two compared hashes differ.")] = None,
    min_similarity: Annotated[
        float | None, typer.Option(min=0, max=1, help="Lowest agreement of thumbnails of a compared pair.")
    ] = None,
    descriptor: Annotated[
        Path | None, typer.Option(help="An ONNX model of a copy-detection descriptor, which proposes further pairs.")
    ] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one for each core.")] = 0,
) -> None:
    """Find the near-duplicates of a folder, also flipped, rotated, cropped, re-encoded or watermarked copies.

    Use it on any folder; it needs no project. It names the image of each group that is worth keeping, and lists
    near-duplicates with different labels as conflicts. Nothing is moved or deleted.

    Examples:
      curate dedupe photos
      curate dedupe photos --html copies.html
      curate dedupe photos --json > copies.json
    """
    from curation.dedupe.descriptors.described_images import Resources
    from curation.dedupe.image_arrays import from_frame
    from curation.dedupe.near_duplicates import find, rules
    from curation.dedupe.verification.file_pixels import ImageFiles
    from curation.images.ingest import ingest_folder
    from curation.report.duplicates_page import report, warning_sections, write_pages
    from curation.selection.copies import losses

    model = str(descriptor.resolve()) if descriptor else None
    settings = _settings(workers, radius=radius, min_similarity=min_similarity, descriptor=model)
    block = settings.dedupe
    images = ingest_folder(folder, settings)
    files = ImageFiles.of(folder, settings.ingest)
    table, summary = find(from_frame(images), rules(settings), files, resources=Resources(workers))
    found = report(images, table)
    warnings = losses.warnings(losses.expected(images, table, block.policy), table, block)
    if html:
        warned = warning_sections(warnings, images, folder)
        write_pages(found, folder, html, f"Near-duplicates in {folder}", warned)
    for warning in warnings:
        note(str(warning))
    _deliver(found, summary.lines(), csv, as_json=as_json)


def _settings(workers: int, **changes: object) -> "Params":
    """The usual parameters with so many workers, and with those of dedupe that are not None."""
    from curation.params import Params

    params = Params()
    block = params.dedupe.model_copy(update={key: value for key, value in changes.items() if value is not None})
    ingest = params.ingest.model_copy(update={"workers": workers})
    return params.model_copy(update={"dedupe": block, "ingest": ingest})


def _deliver(found: dict[str, Any], summary: list[str], csv: Path | None, *, as_json: bool) -> None:
    """Print what was found, as JSON or for people, and write the near-duplicates to `csv` where it is given."""
    rows = [{"keeper": group["keeper"], **copy} for group in found["groups"] for copy in group["copies"]]
    if as_json:
        if csv:
            import pandas as pd

            write_csv(pd.DataFrame(rows), csv)
        print_json(found)
        return
    show(rows, csv=csv, title="near-duplicates")
    for one in found["conflicts"]:
        say(f"conflict: {', '.join(one['paths'])}: {' / '.join(one['labels'])}")
    for one in found["unreadable"]:
        say(f"unreadable: {one['path']}: {one['reason']}")
    say("\n".join(summary))
