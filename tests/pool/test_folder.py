"""`curate identify` on folders and URLs: what is scored, what is passed over, what survives a kill."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from factories.tables import rows_of

from curation import tables
from curation.images.image_measures import Settings
from curation.params import Params
from curation.pool.file_sources import SourceError, items
from curation.pool.identify_folder import Context, identify_items
from curation.pool.labelled_near_duplicates import Known
from curation.predict.model_lookup import ModelError, open_model, resolve
from curation.predict.score_parts import Parts
from curation.project import Project

CONFIG = Params.model_validate({"identify": {"workers": 1, "batch_size": 8}})


@pytest.fixture
def photos(tmp_path, picture, monkeypatch):
    """Twenty pictures in two folders, a text file named .jpg, an empty file."""
    monkeypatch.chdir(tmp_path)
    for number in range(20):
        picture(
            tmp_path / "photos" / "ab"[number % 2] / f"{number:02d}.png", ["red", "green", "blue"][number % 3], number
        )
    (tmp_path / "photos/a/note.jpg").write_text("no picture")
    (tmp_path / "photos/b/empty.png").touch()
    return tmp_path / "photos"


def test_every_file_of_a_folder_has_a_row_and_broken_ones_a_reason(photos, checkpoint, tmp_path):
    done = identify_items(items("photos"), open_model(checkpoint), CONFIG, tmp_path / "out.parquet", Project(tmp_path))
    found = tables.read(done.table, tables.IDENTIFIED)
    assert (done.images, done.scored, done.unreadable) == (22, 22, 2)
    assert set(found[found.error != ""].path) == {"photos/a/note.jpg", "photos/b/empty.png"}
    seen = found[found.error == ""]
    truth = [["red", "green", "blue"][int(path[-6:-4]) % 3] for path in seen.path]
    assert (seen.label == truth).mean() > 0.9
    assert (seen.source == "folder").all()
    assert seen.contrast.notna().all()


def test_only_new_and_changed_files_are_scored_again(photos, checkpoint, tmp_path, picture):
    model = open_model(checkpoint)
    identify_items(items("photos"), model, CONFIG, tmp_path / "out.parquet", Project(tmp_path))
    picture(photos / "c" / "new.png", "red", 99)
    picture(photos / "a" / "00.png", "blue", 98)
    done = identify_items(items("photos"), model, CONFIG, tmp_path / "out.parquet", Project(tmp_path))
    assert (done.images, done.scored) == (23, 2)
    only = identify_items(items("photos/c"), model, CONFIG, tmp_path / "few.parquet", Project(tmp_path))
    assert (only.images, only.scored) == (1, 0)


@pytest.mark.slow
def test_kill_9_loses_at_most_the_batch_at_hand(photos, checkpoint, tmp_path, picture):
    for number in range(100, 260):
        picture(photos / "many" / f"{number}.png", "red", number)
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from curation.pool.identify_folder import identify_items
        from curation.predict.model_lookup import open_model
        from curation.pool.file_sources import items
        from curation.params import Params
        from curation.project import Project
        config = Params.model_validate({"identify": {"workers": 1, "batch_size": 8}})
        identify_items(items("photos"), open_model(Path(sys.argv[1])), config, Path("out.parquet"), Project(Path()))
    """)
    log = tmp_path / "stderr"
    with log.open("wb") as errors:
        run = subprocess.Popen([sys.executable, "-c", script, str(checkpoint)], cwd=tmp_path, stderr=errors)
    model = open_model(checkpoint)
    parts = Parts.of(Project(tmp_path).cache("identify"), model, Settings.of(CONFIG), "files")
    until = time.monotonic() + 300
    while run.poll() is None and len(parts.all()) < 5 and time.monotonic() < until:
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL, log.read_text()
    kept = len(parts.seen())
    assert kept >= 40
    done = identify_items(items("photos"), model, CONFIG, tmp_path / "out.parquet", Project(tmp_path))
    assert done.images == 182
    assert done.scored == 182 - kept
    assert tables.read(done.table, tables.IDENTIFIED).path.is_unique


@pytest.fixture
def site(photos):
    """The folder photos/a behind a web server on this machine; gives its URL."""
    handler = partial(QuietHandler, directory=photos / "a")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    """Logs nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_url_is_read_through_fsspec(photos, checkpoint, tmp_path, site):
    (photos / "a/readme.md").write_text("not an image")
    found = items(site)
    assert len(found) == 11
    assert len(items(f"{site}/*.png")) == 10
    done = identify_items(found, open_model(checkpoint), CONFIG, tmp_path / "remote.parquet", Project(tmp_path))
    assert (done.images, done.unreadable) == (11, 1)
    assert tables.read(done.table, tables.IDENTIFIED).path.str.startswith(site).all()


def test_a_decoder_that_hangs_and_a_name_that_is_no_text_cost_themselves_alone(photos, checkpoint, tmp_path):
    os.mkfifo(photos / "a/hangs.png")  # reading it waits for a writer that never comes
    (photos / "a/00.png").rename(os.fsdecode(os.fsencode(photos) + b"/a/\xff.png"))
    config = CONFIG.model_copy(update={"ingest": CONFIG.ingest.model_copy(update={"timeout": 1})})
    done = identify_items(items("photos"), open_model(checkpoint), config, tmp_path / "out.parquet", Project(tmp_path))
    found = tables.read(done.table, tables.IDENTIFIED).set_index("path").error
    assert "longer than 1 seconds" in found["photos/a/hangs.png"]
    assert found["photos/a/\\xff.png"] == ""
    assert (done.images, done.unreadable) == (23, 3)
    done = identify_items(items("photos"), open_model(checkpoint), config, tmp_path / "out.parquet", Project(tmp_path))
    assert done.scored == 0


@pytest.mark.parametrize("place", ["nowhere", "photos/*.gif", "memory://no-such-bucket", "nosuchprotocol://x/y"])
def test_a_place_without_images_is_one_clear_error(photos, place):
    with pytest.raises(SourceError, match=place.split("/")[0].rstrip(":")):
        items(place)


def test_a_model_that_is_not_there_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"gone.safetensors does not exist"):
        resolve(Project(tmp_path), "gone.safetensors")
    with pytest.raises(ModelError, match="some-revision"):
        resolve(Project(tmp_path), "some-revision")


def test_a_turned_twin_of_a_labelled_image_is_named(photos, checkpoint, tmp_path):
    from PIL import Image

    from curation.images.image_measures import Settings, measure

    scene = Image.effect_mandelbrot((96, 96), (-2, -1.5, 1, 1.5), 60).convert("RGB")
    scene.save(tmp_path / "known.png")
    scene.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "photos/a/turned.png")
    facts = measure((tmp_path / "known.png").read_bytes(), "known.png", Settings())
    row = {"image_id": "e" * 32, "label": "fractal", "hash": facts.hash, "hash_quality": facts.hash_quality}
    context = Context(known=Known.of(rows_of(tables.IMAGES, [row]), radius=8))
    out = tmp_path / "out.parquet"
    identify_items(items("photos"), open_model(checkpoint), CONFIG, out, Project(tmp_path), context)
    found = tables.read(out, tables.IDENTIFIED).set_index("path")
    assert found.near_duplicate_of["photos/a/turned.png"] == "e" * 32
    assert (found.near_duplicate_of != "").sum() == 1
