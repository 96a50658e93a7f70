"""Names of classes and files are data in every page: they change its words, never its elements."""

from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.project import Project
from curation.report import funnel_figure
from curation.report.charts import Axes, Bar, Bars, Heatmap, Lines, Span, Spans, draw
from curation.report.contact_sheet import SheetSection, write_sheet
from curation.report.duplicates_page import report, write_pages
from curation.report.pool_page import write_page
from curation.report.round_page import write_report
from curation.report.thumbnails import Tile

HOSTILE = [
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "{% for x in y %}", "{# note #}"),
    *(
        "$x^2$",
        "$\\frac",
        "a & b &amp; c",
        "]]>",
        "<!--",
        "--><b>",
        "[red]x[/red]",
        "two\nlines",
        "tab\tand\x0b\x1b[31m",
    ),
    *("%s {0} {label}", "日本語", "😀", "\u202eright to left", "' onload='x", "javascript:alert(1)", "&#60;b&#62;"),
]
names = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
PLACES = {"x", "y", "transform"}  # a long name above a column is turned
FEW = settings(max_examples=6, suppress_health_check=list(HealthCheck))


class Elements(HTMLParser):
    """Counts elements with the names of their attributes, and collects the text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.words = Counter(), []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found[tag, tuple(sorted({name for name, _ in attrs} - PLACES))] += 1

    def handle_data(self, data):
        self.words.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)


def shown(name):
    """A class name as the pages hold it: with a letter, as the three must differ."""
    return [f"A{name}", f"B{name}", f"C{name}"]


def elements(path):
    return Elements(path.read_bytes().decode("utf-8"))


@pytest.fixture(scope="module")
def plain_report(tmp_path_factory, write_round):
    root = tmp_path_factory.mktemp("plain")
    write_round(root, shown("plain"), 60)
    write_report(Project(root), root / "out.html")
    return elements(root / "out.html")


@FEW
@given(name=names)
def test_in_the_report(tmp_path_factory, write_round, plain_report, name):
    root = tmp_path_factory.mktemp("names")
    write_round(root, shown(name), 60)
    write_report(Project(root), root / "out.html")
    page = elements(root / "out.html")
    assert page.found == plain_report.found
    said = " ".join("".join(page.words).split())
    assert " ".join(f"A{name}".replace("\0", "").split()) in said or not name.isprintable()


@FEW
@given(name=names)
def test_in_contact_sheets(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("sheet")
    pages = []
    for text in ("plain", name):
        write_sheet(
            folder / "a.html", text, [SheetSection(text, text, [Tile(folder / "gone", text, f"A{text}", text)])]
        )
        pages.append(elements(folder / "a.html"))
        frame = pd.DataFrame({"label": [text], "path": [f"{text.replace('/', '')}.png"], "confidence": [0.5]})
        frame["top_labels"], frame["top_confidences"] = [[text]], [[0.5]]
        write_page(frame.assign(path=frame.path.str.replace("\0", "")), folder / "b.html", text, folder)
        pages.append(elements(folder / "b.html"))
    assert pages[0].found == pages[2].found
    assert pages[1].found == pages[3].found


@FEW
@given(name=names)
def test_in_the_page_of_the_duplicates(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("duplicates")
    pages = []
    for one, two in (("plain", "other"), (f"A{name}", f"B{name}")):
        images = pd.DataFrame({"image_id": ["1" * 32, "2" * 32], "label": [one, two], "error": ""})
        images["path"] = [f"{label.replace('/', '')}.png".replace("\0", "") for label in images["label"]]
        images["copy_paths"] = images["copy_labels"] = [[], []]
        duplicates = pd.DataFrame({"image_id": images["image_id"], "keeper": "1" * 32, "conflict": [two, one]})
        duplicates = duplicates.assign(leak_group="", distance=0, similarity=1.0, orientation=0, marked_copy_of="")
        write_pages(report(images, duplicates), folder, folder / "out.html")
        pages.append(elements(folder / "out.html"))
    assert pages[0].found == pages[1].found


@settings(max_examples=10)
@given(name=names)
def test_in_charts(name):
    """The drawing is XML with the name as one text, and nothing warns, whatever letters the font has."""
    for number, label in enumerate((f"x{name}", name)):
        charts = [
            Bars([Bar(label, [(1, 2, name)], name)], name, [(1, f"m{name}")], [(1, name)], heading=True),
            Spans([Span(label, 0.9, 0.8, 1.0, name)], name),
            Lines([(label, [(1, 2)]), ("b", [(1, 3), (2, 3)])], Axes(f"x{name}", f"y{name}"), name),
            Heatmap([label, "other"], [[1, 2], [0, 3]], name),
        ]
        for chart in charts:
            drawing = draw(chart)
            words = [element.text for element in ET.fromstring(drawing).iter("text")]
            if name.isprintable() and len(name) < 20 and not number:
                assert any(name in word for word in words)
            assert {tag for tag, _ in Elements(drawing).found} <= {"svg", "title", "desc", "g", "path", "text"}
            assert number or drawing == draw(chart)


def test_no_name_turns_the_direction_of_reading_in_a_page(tmp_path):
    name = "photo\u202egpj.exe"
    write_sheet(tmp_path / "a.html", name, [SheetSection(name, name, [Tile(tmp_path / "gone", name, name, name)])])
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert r"photo\u202egpj.exe" in text
    assert "\u202e" not in text + draw(Bars([Bar(name, [(1, 2, name)], name)], name))


@pytest.mark.parametrize("name", HOSTILE)
def test_in_the_figure_of_the_funnel(tmp_path, name):
    steps = pd.DataFrame({"step": ["raw", "kept"], "images": [5, 3]})
    classes = pd.DataFrame({"label": [name], "train": [2], "val": [1]})
    funnel_figure.draw_funnel(steps, classes, ["train", "val"], tmp_path / "funnel.svg")
    root = ET.fromstring((tmp_path / "funnel.svg").read_bytes())
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert kinds <= {"svg", "title", "desc", "rect", "g", "path", "text"}
    assert "var(" not in (tmp_path / "funnel.svg").read_text(encoding="utf-8")
