"""Fixtures for every room: a MongoDB of the test session's own, which FiftyOne's default database never sees, and the
App as `curate review open` serves it, in headless chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same cases every time, so that a change is judged and not luck; CURATION_CASES=N draws new ones (see
# selection/test_rounds.py). No limit of time: on a busy machine it would end a case that is only slow.
settings.register_profile(
    "curation",
    deadline=None,
    derandomize="CURATION_CASES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("curation")

os.environ["DVC_NO_ANALYTICS"] = "true"  # also of the commands that tests start
os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as curation.model sets it, before any test imports torch
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")  # as curation sets it, before any test imports NumPy
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a background job: what tests start would ignore it too
    signal.signal(signal.SIGINT, signal.default_int_handler)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync", "--no-first-run", "--disable-dev-shm-usage", "--mute-audio"]
FLAGS += ["--host-resolver-rules=MAP evil.example 127.0.0.1"]  # a site of somebody else, which can rebind its name
SLOW = 90_000  # milliseconds that a page may take on a busy machine
FIRST = ("tests/pipeline/demo/test_1", "tests/model/", "tests/evaluation/", "tests/pipeline/demo/")


def pytest_collection_modifyitems(items):
    """Begin with the file that makes the demo project, then take what is slow, so that no worker waits at the end."""
    items.sort(key=lambda item: next((place for place, name in enumerate(FIRST) if item.nodeid.startswith(name)), 9))
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if on_gpu and not _has_cuda():
        for item in on_gpu:
            item.add_marker(pytest.mark.skip(reason="there is no CUDA device"))


def _has_cuda():
    import torch

    return torch.cuda.is_available()


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


@pytest.fixture(scope="session")
def serve_review():
    """Serve a project's queue: `with serve_review(root, env, *options) as address` runs `curate review open` there."""

    @contextmanager
    def serve(root, env, *options):
        curate = Path(sys.executable).with_name("curate")
        command = [curate, "review", "open", "--port", str(a_free_port()), *options]
        with subprocess.Popen(command, cwd=root, env=env, stdout=subprocess.PIPE, text=True) as server:
            try:
                told = next((line for line in server.stdout if "http://" in line), "")
                assert "in the browser: " in told, "curate review open ended, or named no address: see its stderr"
                yield told.split("in the browser: ")[1].split()[0]
            finally:  # a test that fails must not wait for the server for ever
                server.terminate()

    return serve


@pytest.fixture
def browse(tmp_path):
    """Open an address of the App: `browse(address)` is its page, images drawn, in a browser profile of its own."""
    from playwright.sync_api import sync_playwright

    home = {**os.environ, "HOME": str(tmp_path)}
    with sync_playwright() as play:
        browser = play.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=shutil.which("chromium"), headless=True, args=FLAGS, env=home
        )

        def visit(address):
            page = browser.new_page()
            page.set_default_timeout(SLOW)
            page.goto(address, timeout=SLOW)
            page.wait_for_selector('[data-cy="looker"]')
            page.wait_for_selector("#curation-review:visible")
            while page.locator('[data-cy="modal"], .MuiBackdrop-root').count():  # an advertisement; an image left open
                page.keyboard.press("Escape")
                page.wait_for_timeout(1000)
            return page

        yield visit
        browser.close()


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


@pytest.fixture
def other_disk(tmp_path):
    """An empty folder on another file system."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has one file system")
    with tempfile.TemporaryDirectory(dir=shared) as folder:
        yield Path(folder)
