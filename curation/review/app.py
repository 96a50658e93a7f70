"""Serve the FiftyOne App on 127.0.0.1 only, since whoever reaches it can read and change every dataset.

The server is FiftyOne's own service without a `Session` beside it: nothing here follows what the browser shows, and the
page opens in a few seconds instead of waiting for the session's retries.
"""

import socket
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

from curation.review.database import ReviewUnavailableError

ADDRESS = "127.0.0.1"
START_SECONDS = 120


def serve(port: int) -> Any:
    """Start the App's server and return it once it answers; `stop()` ends it, and so does the end of this process."""
    if listens(port):
        raise ReviewUnavailableError(f"port {port} is taken", "end what listens there, or choose another --port")
    import fiftyone as fo
    from fiftyone.core.service import ServerService, ServiceListenTimeout

    try:
        server = ServerService(port, address=ADDRESS, do_not_track=fo.config.do_not_track)
    except ServiceListenTimeout as error:
        fix = "try again when the machine is less busy, or another --port"
        raise ReviewUnavailableError(f"the App's server did not start on port {port}: {error}", fix) from error
    wait(port)
    return server


def page(port: int, dataset: str, view: str = "") -> str:
    """The address of a dataset's page, with a saved view by its slug."""
    return f"http://{ADDRESS}:{port}/datasets/{quote(dataset)}" + (f"?view={quote(view)}" if view else "")


def listens(port: int) -> bool:
    """Whether anybody listens on that port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((ADDRESS, port)) == 0


def wait(port: int, seconds: float = START_SECONDS) -> None:
    """Return when the App answers; ReviewUnavailableError when it does not in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://{ADDRESS}:{port}/fiftyone", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.3)
    raise ReviewUnavailableError(f"the App does not answer on port {port} after {seconds:.0f} s", "try another --port")
