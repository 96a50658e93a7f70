"""A contact sheet is one file that opens from disk, whatever the captions say and whatever the files hold."""

import base64
import re
from io import BytesIO

import pytest
from PIL import Image

from curation.images.opening import UnreadableImage
from curation.report.contact_sheet import SheetSection as Section
from curation.report.contact_sheet import write_sheet
from curation.report.thumbnails import Tile, tile_data_uri


def embedded(page: str) -> list[Image.Image]:
    return [
        Image.open(BytesIO(base64.b64decode(text))) for text in re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    ]


def test_images_are_embedded_small(tmp_path, picture, encoded):
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(picture(0, (400, 300))))
    write_sheet(
        tmp_path / "out/sheet.html", "Twins", [Section("Group 1", "", [Tile(path, "one"), Tile(path, "two", "keeper")])]
    )
    page = (tmp_path / "out/sheet.html").read_text(encoding="utf-8")
    assert [image.size for image in embedded(page)] == [(128, 96)] * 2
    assert page.count('class="marked"') == 1
    assert 'src="data:' in page
    assert "http" not in page
    assert str(tmp_path) not in page


def test_captions_can_hold_anything(tmp_path, picture, encoded):
    path = tmp_path / "<img onerror=x>.jpg"
    path.write_bytes(encoded(picture(0)))
    evil = "<script>alert('x')</script>"
    write_sheet(tmp_path / "sheet.html", evil, [Section(evil, evil, [Tile(path, evil, evil)])])
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 6
    assert "<img onerror" not in page


def test_an_unreadable_file_shows_as_such(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"no picture")
    write_sheet(tmp_path / "sheet.html", "t", [Section("s", "", [Tile(path, "cat")])], thumbnail=32)
    page = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert "not an image: text" in page
    assert [image.size for image in embedded(page)] == [(32, 32)]
    with pytest.raises(UnreadableImage, match="not an image: text"):
        tile_data_uri(path)


def test_a_sheet_that_fails_half_way_leaves_nothing(tmp_path):
    def sections():
        yield Section("s", "")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_sheet(tmp_path / "sheet.html", "t", sections())
    assert list(tmp_path.iterdir()) == []
