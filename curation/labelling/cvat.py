"""Write and read `images 1.1` XML of CVAT, with one tag for each image.

A written tag is the class that the model predicts (source `auto`); a read tag is what a person chose. The format is
that of https://docs.cvat.ai/docs/manual/advanced/xml_format/. Images are named by path, as in a task made from a share
or from the same folders.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from curation.errors import CurationError, in_words

OTHERS = ("unknown", "remove")
AUTO = "auto"


class CvatError(CurationError):
    """The file is not a CVAT export, or it names unknown images."""


def write_images(rows: pd.DataFrame, path: Path, classes: Sequence[str]) -> int:
    """Write rows of IDENTIFIED as annotations for a task with the same images. Return how many."""
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
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")
    return len(rows)


def read_tags(path: Path, image_ids: Mapping[str, str]) -> dict[str, str]:
    """Return what people chose: image_id -> label. Tags with the source `auto` are ignored.

    `image_ids` maps paths to ids. A task made from a folder names images relative to it, so the end of a path is enough
    when it belongs to only one image. Raises CvatError for a file of another format or an unknown image.
    """
    try:
        root = ET.fromstring(path.read_bytes())  # noqa: S314 - a file that the user names; expat refuses entity bombs
    except (OSError, ET.ParseError) as error:
        raise CvatError(
            f"{path} is not an XML file ({in_words(error)}): export the task as `CVAT for images 1.1`"
        ) from None
    if root.tag != "annotations":
        raise CvatError(f"{path}: found <{root.tag}>, expected <annotations>: export the task as `CVAT for images 1.1`")
    ends = _ends(image_ids)
    found = {}
    for image in root.iter("image"):
        name = image.get("name", "")
        chosen = [tag.get("label", "") for tag in image.iter("tag") if tag.get("source") != AUTO]
        if len(set(chosen)) > 1:
            raise CvatError(f"{path}: image {name} has the tags {', '.join(sorted(set(chosen)))}: keep only one")
        if not chosen:
            continue
        if name not in ends:
            raise CvatError(f"{path}: image {name} is unknown, or more than one image has this name")
        found[ends[name]] = chosen[0]
    return found


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
