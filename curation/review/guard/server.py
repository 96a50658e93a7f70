"""FiftyOne's server with the guard around it: the process that `curate review open` starts.

It is FiftyOne's own `server/main.py` but for the guard. What the guard needs comes in an environment variable, because
other users of a machine can read the command lines of its processes.
"""

import argparse
import asyncio
import json
import os

SETTINGS = "CURATION_REVIEW_GUARD"  # JSON: addresses, token, dataset


def main() -> None:
    """Serve until the process ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--address", required=True)
    asked = parser.parse_args()
    settings = json.loads(os.environ.pop(SETTINGS))
    os.environ.pop("FIFTYONE_DISABLE_SERVICES", None)
    os.environ.pop("FIFTYONE_ALLOWED_ORIGINS", None)
    os.environ["FIFTYONE_SERVER"] = "1"
    from fiftyone.server.app import app
    from fiftyone.server.events import set_port
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from curation.review.guard.access import Access
    from curation.review.guard.dataset import Dataset
    from curation.review.guard.middleware import Guard

    app.debug = False  # Starlette's page of a fault shows source code and variables
    config = Config()
    config.bind = [f"[{asked.address}]:{asked.port}" if ":" in asked.address else f"{asked.address}:{asked.port}"]
    set_port(asked.port)
    access = Access.of(settings["addresses"], asked.port, settings["token"])
    asyncio.run(serve(Guard(app, access, Dataset(settings["dataset"])), config))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
