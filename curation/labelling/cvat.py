"""Write and read `images 1.1` XML of CVAT, with one tag for each image.

A written tag is the class that the model predicts (source `auto`). CVAT leaves that source on a tag that a person has
changed, so a tag is a person's word when its source is another one or when its label is not the written one. A tag that
is as it was written says nothing: the person may agree, or may not have looked. The format is that of
https://docs.cvat.ai/docs/manual/advanced/xml_format/. Images are named by path, as in a task made from a share or from
the same folders.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from curation.errors import CurationError, in_words, printable
from curation.files import write_text
from curation.labelling.imported import OTHERS

AUTO = "auto"
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # of XML 1.0, production Char
UNSEEN = {AUTO, "file"}  # sources of tags that no person set: written by a model, or read by CVAT from a file


class CvatError(CurationError):
    """The file is not a CVAT export, or it names unknown images."""


def write_images(rows: pd.DataFrame, path: Path, classes: Sequence[str]) -> int:
    """Write rows of IDENTIFIED as annotations for a task with the same images. Return how many."""
    if odd := [name for name in rows["path"] if NO_XML.search(name)]:
        raise CvatError(
            f"{printable(odd[0])} (and {len(odd) - 1} more) has a character in its name that no XML file can hold, so "
            "it can't be given to CVAT. Rename the file, or label it with Label Studio or `curate review`"
        )
    root = ET.Element("annotations")
    ET.SubElement(root, "version").text = "1.1"
    labels = ET.SubElement(ET.SubElement(ET.SubElement(root, "meta"), "task"), "labels")
    for name in [*classes, *OTHERS]:
        label = ET.SubElement(labels, "label")
        ET.SubElement(label, "name").text = name
        ET.SubElement(label, "type").text = "tag"
        ET.SubElement(label, "attributes")
    for number, row in enumerate(rows.to_dict("records")):
        image = ET.SubElement(root, "image", {"id": str(number), "name": row["path"]})
        if row["label"]:
            ET.SubElement(image, "tag", {"label": row["label"], "source": AUTO})
    ET.indent(root)
    write_text(path, ET.tostring(root, encoding="utf-8", xml_declaration=True).decode() + "\n")
    return len(rows)


@dataclass
class Tags:
    """What a file says, image_id -> label, and the names of images that it tags and that nobody knows."""

    chosen: dict[str, str] = field(default_factory=dict)  # set or changed by a person
    changed: int = 0  # how many of them had a tag of the model before
    agreed: dict[str, str] = field(default_factory=dict)  # as the model predicted
    unknown: list[str] = field(default_factory=list)


def read_tags(path: Path, image_ids: Mapping[str, str], proposed: Mapping[str, str] | None = None) -> Tags:
    """Return what people chose, and apart from it the tags that are as they were written.

    `image_ids` maps paths to ids. A task made from a folder names images relative to it, so the end of a path is enough
    when it belongs to only one image. `proposed` maps ids to the labels that were written. Raises CvatError for a file
    of another format, for two tags on one image, or when no tagged image is known.
    """
    ends = _ends(image_ids)
    found = Tags()
    for name, by_person, by_model in _tagged(path):
        if name not in ends:
            found.unknown.append(name)
            continue
        image_id, label = ends[name], (by_person or by_model)[0]
        if by_person or (proposed or {}).get(image_id, label) != label:
            found.chosen[image_id] = label
            found.changed += not by_person
        else:
            found.agreed[image_id] = label
    if found.unknown and not found.chosen and not found.agreed:
        raise CvatError(f"{path}: image {found.unknown[0]} is unknown, or more than one image has this name")
    return found


def read_written(path: Path, image_ids: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that `write_images` wrote to a file, by image_id."""
    ends = _ends(image_ids)
    return {ends[name]: by_model[0] for name, _, by_model in _tagged(path) if name in ends and by_model}


def _tagged(path: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each image with a tag: its name, the labels that people set, and those that a model or a file gave."""
    try:
        root = ET.fromstring(path.read_bytes())  # noqa: S314 - a file that the user names; expat refuses entity bombs
    except (OSError, ET.ParseError, LookupError, ValueError) as error:  # the last two of an odd encoding
        raise CvatError(
            f"{path} is not an XML file ({in_words(error)}): export the task as `CVAT for images 1.1`"
        ) from None
    if root.tag != "annotations":
        raise CvatError(f"{path}: found <{root.tag}>, expected <annotations>: export the task as `CVAT for images 1.1`")
    for image in root.iter("image"):
        name = image.get("name", "")
        tags = [(tag.get("label", ""), tag.get("source") in UNSEEN) for tag in image.iter("tag")]
        by_person, by_model = (sorted({label for label, unseen in tags if unseen is kind}) for kind in (False, True))
        if len(by_person or by_model) > 1:
            raise CvatError(f"{path}: image {name} has the tags {', '.join(by_person or by_model)}: keep only one")
        if tags:
            yield name, by_person, by_model


def _ends(image_ids: Mapping[str, str]) -> dict[str, str]:
    """Return every end of a path that belongs to only one image."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for path, image_id in image_ids.items():
        for end in _suffixes(path):
            if found.setdefault(end, image_id) != image_id:
                twice.add(end)
    return {end: image_id for end, image_id in found.items() if end not in twice}


def _suffixes(path: str) -> Iterator[str]:
    parts = path.split("/")
    for start in range(len(parts)):
        yield "/".join(parts[start:])
