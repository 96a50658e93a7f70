"""The part of the report that warns before harm: who loses many images, with pictures and the setting that helps."""

from curation.report.page import Heading, Part, Section, Tiles
from curation.report.round_data import Round
from curation.selection.copies import losses


def loss_warnings(round_: Round) -> list[losses.LossWarning]:
    """Return the warnings about the round; none where a table that they need is missing."""
    if round_.selection is None or round_.duplicates is None:
        return []
    return losses.of_round(round_.selection, round_.duplicates, round_.params.dedupe)


def warnings(round_: Round) -> Section | None:
    """Show each warning with some of the images that it is about."""
    found = loss_warnings(round_)
    if not found:
        return None
    parts: list[Part] = []
    for one in found:
        parts.append(Heading(_sentence(one.text), _sentence(one.fix)))
        if one.image_ids:
            parts.append(Tiles([round_.tile(image, round_.paths.get(image, "")) for image in one.image_ids]))
    number = f"{len(found):,} warnings" if len(found) > 1 else "One warning"
    lead = f"{number}: images may be lost that are good. `curate undrop` lists what is left out and brings it back."
    return Section("warnings", "Look at this first", lead, parts)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
