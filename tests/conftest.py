"""Fixtures for every room: a MongoDB of the test session's own, which FiftyOne's default database never sees."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

os.environ["DVC_NO_ANALYTICS"] = "true"  # also of the commands that tests start


@pytest.fixture(scope="session")
def mongod_uri(tmp_path_factory):
    """Address of a fresh mongod on a free port of 127.0.0.1; it ends, by its process id, with the session."""
    from curation.review import mongod

    program = mongod.find()
    if program is None:
        pytest.skip("FiftyOne has no mongod: " + mongod.inspect().fix)
    folder = tmp_path_factory.mktemp("mongod")
    port = a_free_port()
    where = ["--dbpath", folder, "--logpath", folder / "log", "--pidfilepath", folder / "pid", "--port", str(port)]
    how = ["--bind_ip", "127.0.0.1", "--nounixsocket", "--noauth", "--wiredTigerCacheSizeGB", "0.25", "--fork"]
    subprocess.run([program, *where, *how], check=True, capture_output=True, timeout=60)
    yield f"mongodb://127.0.0.1:{port}"
    end(int((folder / "pid").read_text()))


@pytest.fixture(scope="session")
def fiftyone_env(mongod_uri, tmp_path_factory):
    """Environment for a process that uses FiftyOne: the session's own database, plugins, home; no tracking."""
    home = tmp_path_factory.mktemp("home")
    return {
        **os.environ,
        "HOME": str(home),
        "FIFTYONE_DATABASE_URI": mongod_uri,
        "FIFTYONE_DATABASE_NAME": "curation_test",
        "FIFTYONE_DATABASE_VALIDATION": "false",
        "FIFTYONE_DO_NOT_TRACK": "true",
        "FIFTYONE_PLUGINS_DIR": str(home / "plugins"),
        "FIFTYONE_SHOW_PROGRESS_BARS": "false",
    }


@pytest.fixture(scope="module")
def free_port():
    """A port of 127.0.0.1 that nobody listens on."""
    return a_free_port()


def a_free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(pid: int, seconds: float = 20) -> None:
    """Ask a process to end, and insist when it does not."""
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + seconds
    while time.monotonic() < until and Path(f"/proc/{pid}").exists():
        time.sleep(0.1)
    if Path(f"/proc/{pid}").exists():
        os.kill(pid, signal.SIGKILL)
