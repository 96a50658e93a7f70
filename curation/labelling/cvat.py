"""CVAT's `images 1.1` XML: a tag an image, out with the model's guess (source `auto`), in with what people chose.

The format is that of https://docs.cvat.ai/docs/manual/advanced/xml_format/. Images are named by path, as in a task made
from a share or from the same folders.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from curation.errors import CurationError

OTHERS = ("unknown", "remove")
AUTO = "auto"


class CvatError(CurationError):
    """A file that is no CVAT export, or names images that are not known."""


def write_images(rows: pd.DataFrame, path: Path, classes: Sequence[str]) -> int:
    """Write rows of IDENTIFIED as annotations to upload to a task of the same images; returns how many."""
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
    """Read what people chose: image_id -> label; `image_ids` maps paths to ids. Tags of source `auto` are no choice.

    A task that was made from a folder names images below it: the end of a path is enough where it names one image only.
    """
    try:
        root = ET.fromstring(path.read_bytes())  # noqa: S314 - a file that the user names; expat refuses entity bombs
    except (OSError, ET.ParseError) as error:
        raise CvatError(f"{path} is no XML file ({error}): export the task as `CVAT for images 1.1`") from None
    if root.tag != "annotations":
        raise CvatError(f"{path}: found <{root.tag}>, expected <annotations>: export the task as `CVAT for images 1.1`")
    ends = _ends(image_ids)
    found = {}
    for image in root.iter("image"):
        name = image.get("name", "")
        chosen = [tag.get("label", "") for tag in image.iter("tag") if tag.get("source") != AUTO]
        if len(set(chosen)) > 1:
            raise CvatError(f"{path}: image {name} has the tags {', '.join(sorted(set(chosen)))}: leave one")
        if not chosen:
            continue
        if name not in ends:
            raise CvatError(f"{path}: image {name} is not known here, or not the only one of that name")
        found[ends[name]] = chosen[0]
    return found


def _ends(image_ids: Mapping[str, str]) -> dict[str, str]:
    """Every end of every path that names one image only."""
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
