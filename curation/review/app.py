"""Serve the FiftyOne App on 127.0.0.1 only, because everyone who reaches it can read and change every dataset.

The server is FiftyOne's own service without a `Session`. So nothing follows what the browser shows, and the page opens
in a few seconds instead of waiting for the retries of the session.
"""

import socket
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

from curation.review.database import ReviewUnavailableError

ADDRESS = "127.0.0.1"
START_SECONDS = 600  # on a machine that does other work the App may need minutes
LOOK_SECONDS = 5


def serve(port: int) -> Any:
    """Start the server of the App and return it once it answers. It ends with `stop()` or with this process."""
    if listens(port):
        raise ReviewUnavailableError(f"port {port} is taken", "stop the program that uses it, or choose another --port")
    import fiftyone as fo
    from fiftyone.core.service import ServerService, ServiceListenTimeout

    class Server(ServerService):  # type: ignore[misc]
        """FiftyOne's server, which is waited for as long as its process lives: FiftyOne gives up after a minute."""

        def _wait_for_child_port(self, port: int | None = None, timeout: float = START_SECONDS) -> Any:
            until = time.monotonic() + timeout
            while True:
                try:
                    return super()._wait_for_child_port(port, LOOK_SECONDS)
                except ServiceListenTimeout:
                    if self.child.poll() is not None or time.monotonic() > until:
                        raise

    try:
        server = Server(port, address=ADDRESS, do_not_track=fo.config.do_not_track)
    except ServiceListenTimeout as error:
        fix = "try again when the machine is less busy, or another --port"
        raise ReviewUnavailableError(f"the App's server did not start on port {port}: {error}", fix) from error
    wait(port)
    return server


def page(port: int, dataset: str, view: str = "") -> str:
    """Return the address of the page of a dataset. `view` is the slug of a saved view."""
    return f"http://{ADDRESS}:{port}/datasets/{quote(dataset)}" + (f"?view={quote(view)}" if view else "")


def listens(port: int) -> bool:
    """Return True when a process listens on that port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex((ADDRESS, port)) == 0


def wait(port: int, seconds: float = START_SECONDS) -> None:
    """Return when the App answers. ReviewUnavailableError when it does not answer within `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://{ADDRESS}:{port}/fiftyone", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.3)
    raise ReviewUnavailableError(f"the App does not answer on port {port} after {seconds:.0f} s", "try another --port")
