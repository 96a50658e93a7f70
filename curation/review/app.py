"""Serve the FiftyOne App behind the guard of `curation.review.guard`, on 127.0.0.1 unless the caller shares it.

The server is FiftyOne's own service without a `Session`. So nothing follows what the browser shows, and the page opens
in a few seconds instead of waiting for the retries of the session.
"""

import json
import os
import secrets
import socket
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import curation
from curation.review.database import ReviewUnavailableError
from curation.review.guard.access import TOKEN
from curation.review.guard.routes import STATUS, home
from curation.review.guard.server import SETTINGS

ADDRESS = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - these are refused
START_SECONDS = 600  # on a machine that does other work the App may need minutes
LOOK_SECONDS = 5


@dataclass(frozen=True)
class Serving:
    """A running App: its process, and where it is reached."""

    service: Any
    address: str
    port: int
    dataset: str
    token: str

    def page(self, view: str = "") -> str:
        """Return the address of the dataset's page, with the token. `view` is the slug of a saved view."""
        asked = {"view": view, TOKEN: self.token} if view else {TOKEN: self.token}
        return f"http://{_in_address(self.address)}:{self.port}{home(self.dataset)}?{urlencode(asked)}"


def serve(port: int, dataset: str, address: str = ADDRESS) -> Serving:
    """Start the App's server for one dataset and return it once it answers. It ends with `stop()` or this process.

    address: where it listens. ReviewUnavailableError where it can't, or does not answer in time.
    """
    if address in EVERYWHERE:
        fix = f"name the one address of this machine that others use, for example --share {_own_address()}"
        raise ReviewUnavailableError(f"{address} is every address of this machine, so no Host can be checked", fix)
    if listens(port, address):
        raise ReviewUnavailableError(f"port {port} is taken", "stop the program that uses it, or choose another --port")
    from fiftyone.core.service import ServiceListenTimeout

    token = secrets.token_urlsafe(24)
    addresses = [address, "localhost"] if address == ADDRESS else [address]
    settings = json.dumps({"addresses": addresses, "token": token, "dataset": dataset})
    try:
        service = _service(port, address, settings)
    except ServiceListenTimeout as error:
        fix = "try again when the machine is less busy, or another --port"
        raise ReviewUnavailableError(f"the App's server did not start on port {port}: {error}", fix) from error
    wait(port, address)
    return Serving(service, address, port, dataset, token)


def _service(port: int, address: str, settings: str) -> Any:
    import fiftyone as fo
    from fiftyone.core.service import ServerService, ServiceListenTimeout

    class Server(ServerService):  # type: ignore[misc]
        """FiftyOne's server behind the guard.

        It is waited for as long as its process lives, because FiftyOne gives up after a minute.
        """

        @property
        def command(self) -> list[str]:
            return [sys.executable, "-m", "curation.review.guard.server", "--port", str(port), "--address", address]

        @property
        def env(self) -> dict[str, str]:
            sources = [str(Path(curation.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
            return {**super().env, SETTINGS: settings, "PYTHONPATH": os.pathsep.join(sources)}

        def _wait_for_child_port(self, port: int | None = None, timeout: float = START_SECONDS) -> Any:
            until = time.monotonic() + timeout
            while True:
                try:
                    return super()._wait_for_child_port(port, LOOK_SECONDS)
                except ServiceListenTimeout:
                    if self.child.poll() is not None or time.monotonic() > until:
                        raise

    return Server(port, address=address, do_not_track=fo.config.do_not_track)


def listens(port: int, address: str = ADDRESS) -> bool:
    """Return True when a process listens on that port of an address of this machine."""
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def wait(port: int, address: str = ADDRESS, seconds: float = START_SECONDS) -> None:
    """Return when the App answers. ReviewUnavailableError when it does not answer within `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://{_in_address(address)}:{port}{STATUS}", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (OSError, urllib.error.URLError):
            time.sleep(0.3)
    raise ReviewUnavailableError(f"the App does not answer on port {port} after {seconds:.0f} s", "try another --port")


def _in_address(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _own_address() -> str:
    """The address of this machine that others reach, or that of an example. No packet is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect(("192.0.2.1", 9))  # of the block for documentation (RFC 5737)
        return str(probe.getsockname()[0])
    return "192.0.2.1"
