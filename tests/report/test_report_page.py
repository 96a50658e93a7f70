"""The report: one file, self-contained, the same bytes each time, from whatever tables there are."""

import re
import shutil
from html.parser import HTMLParser

import pytest

from curation import tables
from curation.errors import CurationError
from curation.pool.precision import audits
from curation.pool.precision.audits import Audit
from curation.predict.calibration import Calibration
from curation.project import Project
from curation.report.round_page import write_report

CLASSES = ["ape", "cat", "dog"]
VOID = {"meta", "img", "br", "line", "rect", "circle", "polyline"}


class Strict(HTMLParser):
    """Checks that elements close in order and collects what matters."""

    def __init__(self):
        super().__init__()
        self.open, self.images, self.links, self.ids, self.charts = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        if tag == "img":
            self.images.append(attrs)
        if tag == "svg":
            self.charts.append(attrs)
        if tag == "a":
            self.links.append(attrs["href"])
        if tag not in VOID and tag != "li":
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID and tag != "li":
            assert self.open.pop() == tag


def test_it_needs_nothing_but_itself(text):
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*', text)
    assert "<script" not in text
    assert "http" not in text
    assert "url(" not in text


def test_it_is_well_formed_and_its_links_lead_somewhere(text):
    page = Strict()
    page.feed(text)
    assert page.open == []
    assert {link.removeprefix("#") for link in page.links} == set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_every_picture_and_chart_has_words(text):
    page = Strict()
    page.feed(text)
    assert page.images
    assert len(page.charts) >= 8
    assert all(image["alt"] for image in page.images)
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in page.charts)


def test_an_axis_of_epochs_has_whole_numbers(text):
    charts = re.findall(r"<svg[^>]*by epoch.*?</svg>", text, re.DOTALL)
    assert len(charts) == 2
    for chart in charts:
        words = re.findall(r"<text[^>]*>([^<]*)</text>", chart)
        assert words[: words.index("epoch")] == ["1", "2"]


def test_names_from_the_tables_are_escaped(text):
    assert "dog &amp; cat &lt;b&gt;" in text
    assert "<ape>" not in text


def test_the_same_round_gives_the_same_bytes(project, text):
    write_report(Project(project), project / "again.html")
    assert (project / "again.html").read_text(encoding="utf-8") == text


def test_it_tells_the_round(text):
    for words in (
        *("What became of every file", "300 files", "Near-duplicates", "mirrored", "ape taken for dog (1)"),
        *("80.0% on test", "Cluster 0", "Alone", "Suspicious labels", "5 images are named better", "curate promote"),
        *("beats the best simple method (60.0%)", "shift to frozen", "Out of scope"),
    ):
        assert words in text, words


def test_it_says_what_test_would_share_with_train_where_there_are_groups(project, text, tmp_path):
    assert "Groups of the metadata" not in text
    made = tmp_path / "round"
    shutil.copytree(project, made)
    (made / "reports/split").mkdir()
    (made / "reports/split/groups.csv").write_text("test_images,share_with_train\n120,34\n")
    write_report(Project(made), made / "out.html")
    told = (made / "out.html").read_text(encoding="utf-8")
    assert "Of 120 test images 34 would share a group with train if all images were split anew" in told
    assert "not measurable here: no test image shares a group with train" in told


def test_it_shows_accuracy_by_the_values_of_a_column_of_the_metadata(project, text, tmp_path):
    assert "Slices by metadata" not in text
    made = tmp_path / "round"
    shutil.copytree(project, made)
    round_ = Project(made)
    images, predictions = round_.table(tables.IMAGES), round_.table(tables.PREDICTIONS)
    test = set(predictions.loc[predictions["split"] == "test", "image_id"])
    sites = {one: f"<i>{number % 2}" for number, one in enumerate(sorted(test))}
    images["metadata"] = [f'{{"site": "{sites[one]}"}}' if one in sites else "" for one in images["image_id"]]
    round_.write_table(images, tables.IMAGES)
    write_report(round_, made / "out.html")
    told = (made / "out.html").read_text(encoding="utf-8")
    assert "Slices by metadata" in told
    assert "None is shown to be worse. The intervals of all 2 slices hold together" in told
    assert "&lt;i&gt;1" in told
    assert "<i>" not in told


def test_it_shows_the_audits_of_this_model_with_their_bound_and_no_others(project, text, tmp_path):
    copy = shutil.copytree(project, tmp_path / "copy")
    path = copy / "data/calibration.json"
    Calibration(**{**vars(Calibration.read(path)), "model": "0123456789ab"}).write(path)
    drawn = {f"{number:032x}": "ape" for number in range(60)}
    audits.put(copy / "data/audits.json", Audit("0123456789ab", 0.9, "", 0, 0.95, 731, drawn, 60, 60))
    audits.put(copy / "data/audits.json", Audit("0123456789ab", 0.8, "dog", 0, 0.95, 732, drawn))
    audits.put(copy / "data/audits.json", Audit("another model", 0.9, "", 0, 0.95, 733, drawn, 60, 60))
    write_report(Project(copy), tmp_path / "report.html")
    told = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "731" in told
    assert "95.1%" in told
    assert "732" in told
    assert "not decided yet" in told
    assert "733" not in told
    assert "Audits of the proposals" not in text


@pytest.mark.parametrize("missing", ["images", "duplicates", "selection", "splits", "predictions", "errors", "reports"])
def test_any_part_may_be_missing(project, tmp_path, missing):
    for folder in ("data", "reports"):
        for path in (project / folder).rglob("*"):
            if path.is_file() and path.suffix != ".png" and missing not in {path.stem, folder}:
                target = tmp_path / path.relative_to(project)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    assert write_report(Project(tmp_path), tmp_path / "out.html") >= 3
    page = Strict()
    page.feed((tmp_path / "out.html").read_text(encoding="utf-8"))
    assert page.open == []


def test_an_image_that_is_gone_shows_why(project, tmp_path, text):
    assert "data:image/jpeg" in text
    copy = tmp_path / "data"
    copy.mkdir()
    for name in ("images", "duplicates"):
        (copy / f"{name}.parquet").write_bytes((project / f"data/{name}.parquet").read_bytes())
    write_report(Project(tmp_path), tmp_path / "out.html")
    assert 'class="gone"' in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_nothing_to_report_is_one_clear_error(tmp_path):
    with pytest.raises(CurationError, match="dvc repro"):
        write_report(Project(tmp_path), tmp_path / "out.html")
