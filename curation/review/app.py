"""Serve the FiftyOne App on this machine: on 127.0.0.1 only, since whoever reaches it can read and change every dataset."""

import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

from curation.review.database import ReviewUnavailable

ADDRESS = "127.0.0.1"
START_SECONDS = 120


def serve(fo: Any, dataset: Any, port: int) -> tuple[Any, str]:
    """Start the App; the session and the address of the dataset's page, once the page answers."""
    session = fo.launch_app(dataset, remote=True, port=port, address=ADDRESS, auto=False)
    wait(port)
    return session, f"http://{ADDRESS}:{port}/datasets/{quote(dataset.name)}"


def wait(port: int, seconds: float = START_SECONDS) -> None:
    """Return when the App answers; ReviewUnavailable when it does not in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://{ADDRESS}:{port}/fiftyone", timeout=5) as answer:  # noqa: S310 - our own
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.5)
    raise ReviewUnavailable(f"the App does not answer on port {port} after {seconds:.0f} s", "try another --port")
