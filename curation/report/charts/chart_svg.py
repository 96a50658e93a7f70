"""Turn the SVG of matplotlib into an element of the page, with its colours, fonts, and texts for screen readers.

The drawing is parsed as XML. Placeholder colours become variables of the style sheet, so that one drawing serves the
light and the dark style. Ids, clip paths and metadata are removed: the ids of several charts in one page would clash,
and metadata holds host names.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from markupsafe import Markup

TEMPLATES = Path(__file__).parents[1] / "templates"
SERIES = {series: f"#0000a{series}" for series in range(1, 9)}
INK, QUIET, LINE, ON, EMPTY = "#0000b1", "#0000b2", "#0000b3", "#0000b4", "#0000b5"
COLOURS = {colour: f"var(--c{series})" for series, colour in SERIES.items()} | {
    INK: "var(--ink)",
    QUIET: "var(--quiet)",
    LINE: "var(--line)",
    ON: "var(--on)",
    EMPTY: "var(--empty)",
}
STAND_IN = re.compile("|".join(COLOURS))
FONT = re.compile(r"font-family: [^;]*; ?")
COLOUR, VARIABLE = re.compile(r"--(\w+): (#\w+)"), re.compile(r"var\(--(\w+)\)")
LONG_NUMBER = re.compile(r"(\d+\.\d\d)\d+")
KEPT = {"svg", "g", "path", "text", "tspan"}
GAP = 18  # pixels between two drawings of one file
DROPPED = {"id", "clip-path", "version", "width", "height"}


def as_markup(drawing: bytes, tips: Mapping[str, str], title: str, description: str) -> Markup:
    """Make the SVG element; `tips` are the words of a mark by the id that it was given."""
    source = ET.fromstring(drawing)  # noqa: S314 - matplotlib wrote it, a moment ago
    _, _, width, height = source.attrib["viewBox"].split()
    attributes = {"role": "img", "aria-label": title, "viewBox": f"0 0 {float(width):g} {float(height):g}"}
    target = ET.Element("svg", {**attributes, "class": f"w{float(width):g}"})
    ET.SubElement(target, "title").text = title
    ET.SubElement(target, "desc").text = description
    _copy(source, target, tips)
    return Markup(ET.tostring(target, encoding="unicode"))  # noqa: S704 - ElementTree has escaped all text


def stack(drawings: Sequence[Markup]) -> str:
    """Put drawings below each other into one SVG file, in the light colours of the style sheet.

    Some viewers of such a file know no variables, so each variable is replaced by its value.
    """
    light = dict(reversed(COLOUR.findall((TEMPLATES / "colours.css").read_text(encoding="utf-8"))))
    root, top, width = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "font-family": "sans-serif"}), 0.0, 0.0
    ET.SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": light["card"]})
    for drawing in drawings:
        element = ET.fromstring(VARIABLE.sub(lambda match: light[match[1]], drawing))  # noqa: S314 - made here
        _, _, across, down = map(float, element.attrib["viewBox"].split())
        element.attrib.update({"x": "0", "y": f"{top:g}", "width": f"{across:g}", "height": f"{down:g}"})
        root.append(element)
        top, width = top + down + GAP, max(width, across)
    root.attrib.update({"viewBox": f"0 0 {width:g} {top:g}", "width": f"{width:g}", "height": f"{top:g}"})
    return ET.tostring(root, encoding="unicode") + "\n"


def _copy(source: ET.Element, target: ET.Element, tips: Mapping[str, str]) -> None:
    """Copy the drawn elements. A group without a tooltip adds nothing, so only its content is copied."""
    for child in source:
        tag, tip = child.tag.rpartition("}")[2], tips.get(child.attrib.get("id", ""))
        if tag not in KEPT:
            continue
        if tag == "g" and tip is None:
            _copy(child, target, tips)
            continue
        made = ET.SubElement(target, tag, _attributes(child))
        made.text = None if tag == "g" else child.text
        if tip is not None:
            ET.SubElement(made, "title").text = tip
        _copy(child, made, tips)


def _attributes(element: ET.Element) -> dict[str, str]:
    found = {}
    for name, value in element.attrib.items():
        if name in DROPPED or (name == "transform" and value.startswith("rotate(-0 ")):
            continue
        text = LONG_NUMBER.sub(r"\1", " ".join(value.split()))
        found[name] = STAND_IN.sub(lambda match: COLOURS[match[0]], FONT.sub("", text))
    return found
