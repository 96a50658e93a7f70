"""What EXIF tells of time and camera reaches the table IMAGES, and nothing else of EXIF does."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from curation.images.formats.exif import NOTHING, Capture, capture
from curation.images.ingest import ingest
from curation.params import Params

ONE = Params.model_validate({"ingest": {"workers": 1}})
MAKER, MODEL, OWNER, EXIF, GPS = 0x010F, 0x0110, 0x013B, 0x8769, 0x8825
TAKEN, FRACTION, SERIAL = 0x9003, 0x9291, 0xA431
SECRETS = ("Ana Person", "SN-12345")


def exif_of(maker="Acme", model="Acme X1", taken="2026:05:01 10:20:30", fraction="25"):
    exif = Image.Exif()
    exif[MAKER], exif[MODEL], exif[OWNER] = maker, model, SECRETS[0]
    exif.get_ifd(EXIF).update({TAKEN: taken, FRACTION: fraction, SERIAL: SECRETS[1]})
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 0.0)})
    return exif


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_time_and_camera_of_a_file_reach_the_table_and_nothing_of_people(project, picture, form):
    sink = io.BytesIO()
    picture(0).save(sink, form, exif=exif_of())
    root = project({"data/raw/cat/a.jpg": sink.getvalue()})
    frame = ingest(root, ONE)
    assert frame["captured_at"].tolist() == ["2026-05-01T10:20:30.250000"]
    assert json.loads(frame["metadata"][0]) == {"camera": "Acme X1"}
    assert not any(secret in str(frame.to_dict("records")) for secret in SECRETS)
    assert ingest(root, ONE).equals(frame)  # from the cache


def test_metadata_files_win_column_by_column(project, picture):
    sink = io.BytesIO()
    picture(0).save(sink, "JPEG", exif=exif_of())
    sheet = "file_name,captured_at,camera,site\ncat/a.jpg,2020-01-01,,north\ncat/b.jpg,,mine,\n"
    files = {"data/raw/cat/a.jpg": sink.getvalue(), "data/raw/cat/b.jpg": sink.getvalue() + b"\0"}
    frame = ingest(project(files | {"data/raw/metadata.csv": sheet}), ONE).set_index("path")
    first, second = (frame.loc[f"data/raw/cat/{name}.jpg"] for name in "ab")
    assert first["captured_at"] == "2020-01-01"
    assert json.loads(first["metadata"]) == {"camera": "Acme X1", "site": "north"}
    assert second["captured_at"] == "2026-05-01T10:20:30.250000"
    assert json.loads(second["metadata"]) == {"camera": "mine"}


@pytest.mark.parametrize(
    ("taken", "told"),
    [
        ("2026:05:01 10:20:30", "2026-05-01T10:20:30"),
        ("2026:05:01", "2026-05-01"),
        ("0000:00:00 00:00:00", ""),
        ("    :  :     :  :  ", ""),
        ("yesterday", ""),
    ],
)
def test_a_clock_that_was_never_set_tells_no_time(taken, told):
    assert capture(with_exif(exif_of(taken=taken, fraction=""))).captured_at == told


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=40))
def test_whatever_stands_there_is_one_short_line_or_nothing(maker, model, taken):
    exif = Image.Exif()
    exif[MAKER], exif[MODEL] = maker, model
    exif.get_ifd(EXIF)[TAKEN] = taken
    image = Image.new("RGB", (4, 4))
    image._exif = exif
    found = capture(image)
    assert isinstance(found, Capture)
    assert found.camera.isprintable()
    assert len(found.camera) <= 80
    assert found.captured_at.isascii()
    assert len(found.captured_at) <= 32


def test_a_file_without_exif_or_with_damaged_exif_tells_nothing_and_is_read(project, picture):
    assert capture(Image.new("RGB", (4, 4))) == NOTHING
    sink = io.BytesIO()
    picture(0).save(sink, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    frame = ingest(project({"data/raw/cat/a.jpg": sink.getvalue()}), ONE)
    assert frame[["error", "captured_at", "metadata"]].to_numpy().tolist() == [["", "", ""]]


def with_exif(exif):
    sink = io.BytesIO()
    Image.new("RGB", (4, 4)).save(sink, "JPEG", exif=exif)
    return Image.open(sink)
