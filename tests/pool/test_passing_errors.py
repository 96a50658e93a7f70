"""An error that passes is tried again, and a changed setting asks again: the cache of identify holds answers only."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from curation import tables
from curation.params import Params
from curation.pool.file_sources import items
from curation.pool.identify_folder import identify_items
from curation.predict.model_lookup import open_model
from curation.project import Project

PARAMS = Params.model_validate({"identify": {"workers": 1, "batch_size": 8}})


class Busy(SimpleHTTPRequestHandler):
    """Answers 503 for one file while the server is `busy`."""

    def do_GET(self) -> None:
        if self.server.busy and self.path.endswith("2.png"):
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path, picture):
    for number in range(4):
        picture(tmp_path / "site" / f"{number}.png", "red", number)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Busy, directory=tmp_path / "site")) as found:
        found.busy = True
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def test_a_server_that_was_busy_is_asked_again(server, checkpoint, tmp_path):
    asked = items(f"http://127.0.0.1:{server.server_port}")
    model, out, project = open_model(checkpoint), tmp_path / "out.parquet", Project(tmp_path)
    done = identify_items(asked, model, PARAMS, out, project)
    assert (done.images, done.unreadable) == (4, 1)
    server.busy = False
    done = identify_items(asked, model, PARAMS, out, project)
    assert (done.images, done.scored, done.unreadable) == (4, 1, 0)
    assert set(tables.read(out, tables.IDENTIFIED).label) == {"red"}
    assert identify_items(asked, model, PARAMS, out, project).scored == 0


def test_a_changed_setting_asks_again(checkpoint, tmp_path, picture):
    picture(tmp_path / "photos/a.png", "red", 1)
    model, out, project = open_model(checkpoint), tmp_path / "out.parquet", Project(tmp_path)
    asked = items(str(tmp_path / "photos"), tmp_path)
    small = Params.model_validate({"identify": {"workers": 1}, "ingest": {"max_megapixels": 0.0001}})
    assert identify_items(asked, model, small, out, project).unreadable == 1
    done = identify_items(asked, model, PARAMS, out, project)
    assert (done.scored, done.unreadable) == (1, 0)


def test_a_file_that_is_moved_away_meanwhile_has_no_row(checkpoint, tmp_path, picture):
    for number in range(3):
        picture(tmp_path / f"photos/{number}.png", "red", number)
    asked = items(str(tmp_path / "photos"), tmp_path)
    (tmp_path / "photos/1.png").rename(tmp_path / "moved.png")
    done = identify_items(asked, open_model(checkpoint), PARAMS, tmp_path / "out.parquet", Project(tmp_path))
    assert (done.images, done.unreadable) == (2, 0)
