"""How long a push of 10,000 errors takes, and what a second push and a page of the grid cost.

    python benchmarks/review_push.py [number]

Needs the extra `review` and a mongod (see `python -m curation.review.mongod`); it starts one of its own on a free port
and ends it. Images are 64 x 64 noise. Writes benchmarks/results/review_push.md.
"""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from tables import Table, write_page

LIMIT_SECONDS = 60
PORT = 5188


def main() -> None:
    """Measure, write the table, print it."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        pid = start_mongod(home)
        try:
            measure(home, number)
        finally:
            os.kill(pid, signal.SIGTERM)
            while Path(f"/proc/{pid}").exists():
                time.sleep(0.1)


def start_mongod(home: Path) -> int:
    """Start a mongod in `home`, point FiftyOne at it, return its process id."""
    from curation.review import mongod

    program = mongod.find()
    if program is None:
        sys.exit(f"no mongod: {mongod.inspect().fix}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ["--dbpath", str(home), "--logpath", str(home / "log"), "--pidfilepath", str(home / "pid")]
    where += ["--port", str(port)]
    how = ["--bind_ip", "127.0.0.1", "--nounixsocket", "--noauth", "--wiredTigerCacheSizeGB", "0.5", "--fork"]
    subprocess.run([program, *where, *how], check=True, capture_output=True)
    os.environ["FIFTYONE_DATABASE_URI"] = f"mongodb://127.0.0.1:{port}"
    os.environ["FIFTYONE_DO_NOT_TRACK"] = "true"
    return int((home / "pid").read_text())


def queue(root: Path, number: int) -> pd.DataFrame:
    """A queue of noise in the columns that the stage pushes; embeddings of 512 numbers, as resnet18 has."""
    from PIL import Image

    rng = np.random.default_rng(0)
    (root / "raw").mkdir()
    ids = [hashlib.md5(str(place).encode(), usedforsecurity=False).hexdigest() for place in range(number)]
    for image_id in ids:
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(root / "raw" / f"{image_id}.jpg")
    labels = np.array([f"class {place}" for place in range(20)])
    given, predicted = (labels[rng.integers(0, 20, number)] for _ in range(2))
    cluster = rng.integers(-1, 60, number)
    frame = pd.DataFrame({"image_id": ids, "path": [f"raw/{image_id}.jpg" for image_id in ids], "label": given})
    frame = frame.assign(
        predicted=predicted, suggested=predicted, split="train", kind="error", role="queue", decision=""
    )
    frame = frame.assign(cluster=cluster, explanation=[f"because of {one}" for one in cluster], rank=np.arange(number))
    for name in ("confidence", "label_error", "gain", "margin", "entropy", "blur", "brightness", "contrast"):
        frame[name] = rng.uniform(size=number)
    frame["map_x"], frame["map_y"] = rng.normal(size=(2, number))
    frame["embedding"] = [vector.tobytes() for vector in rng.normal(size=(number, 512)).astype("<f2")]
    frame["nearest_correct"] = [ids[:3]] * number
    return frame.assign(width=64, height=64, subclass="", origin="real", representative=False)


def measure(root: Path, number: int) -> None:
    """Time pushes of a queue of `number` images; write the table."""
    from curation.review import database
    from curation.review.push import push_rows

    rows = queue(root, number)
    started = time.perf_counter()
    fo = database.connect()
    connected, busy = time.perf_counter(), time.process_time()
    push_rows(fo, "benchmark", rows, root)
    first, busy = time.perf_counter(), time.process_time() - busy
    push_rows(fo, "benchmark", rows, root)
    second = time.perf_counter()
    push_rows(fo, "benchmark", rows.assign(gain=rows["gain"] / 2), root)
    third = time.perf_counter()
    view = fo.load_dataset("benchmark").load_saved_view("to review")
    page = time.perf_counter()
    view.limit(60).values(["filepath", "ground_truth.label", "prediction.label", "decision"])
    paged = time.perf_counter()
    drawn = grid(root)
    verdict = "held" if first - connected <= LIMIT_SECONDS else "missed"
    lines = [
        ["import FiftyOne and reach its database", f"{connected - started:.1f}"],
        [f"first push: {number:,} images, their views, map and similarity index", f"{first - connected:.1f}"],
        ["the same again (nothing changes)", f"{second - first:.2f}"],
        ["one field of every image changed", f"{third - second:.1f}"],
        ["the first 60 images of the view `to review`, from the database", f"{paged - page:.3f}"],
        ["the App in chromium: from its address to the first images drawn", drawn],
    ]
    notes = f"Limit for the first push: {LIMIT_SECONDS} s, {verdict}. It kept this process busy for {busy:.1f} s; "
    about = f"FiftyOne {fo.__version__}, by `benchmarks/review_push.py`, load {os.getloadavg()[0]:.1f}."
    table = Table(["step", "s"], lines)
    write_page("review_push", "Push of the review queue", about, [table], notes + "the rest is mongod's work.")


def grid(home: Path) -> str:
    """Seconds until chromium has drawn the first images of the view `to review`; "" without chromium."""
    from curation.review import app

    chromium = shutil.which("chromium")
    if chromium is None:
        return ""
    from playwright.sync_api import sync_playwright

    serving = app.serve(PORT, "benchmark")
    with sync_playwright() as play:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
        browser = play.chromium.launch_persistent_context(
            home / "profile", executable_path=chromium, headless=True, args=flags, env={**os.environ, "HOME": str(home)}
        )
        page = browser.new_page()
        page.set_default_timeout(120_000)
        started = time.perf_counter()
        page.goto(serving.page("to-review"), timeout=120_000)
        page.wait_for_selector('[data-cy="looker"]')
        page.wait_for_function("document.querySelectorAll('[data-cy=looker] canvas, [data-cy=looker] img').length > 9")
        drawn = time.perf_counter() - started
        browser.close()
    serving.service.stop()
    return f"{drawn:.1f}"


if __name__ == "__main__":
    main()
