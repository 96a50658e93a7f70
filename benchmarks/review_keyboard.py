"""A queue of 100 cleared with the keyboard alone, in a real browser, as a new reviewer would.

    python benchmarks/review_keyboard.py [--project FOLDER] [--pictures FOLDER]

Without a project, one is made of the sample digits by running the whole pipeline, which takes minutes. The reviewer
reads what the bar over the open image says: `a` where the label is more likely wrong than right, `l` with a typed label
now and then, else `k`. Every key waits only for what a person would see: the next image. Checked against
data/reviews.csv: each image of the queue once, in its order. Needs chromium, the extras `review` and `dev`, a mongod.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from review_push import start_mongod
from tables import Table, write_page

NUMBER = 100
CURATE = Path(sys.executable).with_name("curate")
REPOSITORY = Path(__file__).resolve().parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync", "--no-first-run", "--disable-dev-shm-usage", "--mute-audio"]
BAR = "document.querySelector('#curation-review').innerText"
OPEN = "document.querySelector('#curation-review').dataset.sample"
STARTED = "text => document.querySelector('#curation-review').innerText.includes(text)"


def sample_project(root: Path) -> None:
    """The sample digits through the whole pipeline, in a clone of this repository."""
    environment = os.environ | {"PATH": f"{CURATE.parent}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "true"}
    words = [
        "curate sample digits --mess",
        "dvc add -q data/raw data/unlabelled data/benchmark",
        "dvc repro -q cluster",
    ]
    subprocess.run(["git", "clone", "-q", REPOSITORY, root], check=True)
    params = root / "params.yaml"  # a queue of 100 at least: more right answers count as doubts
    params.write_text(params.read_text().replace("doubt_below: 0.6", "doubt_below: 0.9"))
    for command in words:
        subprocess.run(command.split(), cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)


def serve(root: Path, home: Path) -> tuple[Any, str]:
    """`curate review open` in the project; the process and the address that it prints."""
    environment = os.environ | {"HOME": str(home), "FIFTYONE_PLUGINS_DIR": str(home / "plugins")}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(CURATE), "review", "open", "--port", str(port), "--reviewer", "Ana"]
    server = subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True)
    told = next(line for line in server.stdout or [] if "http://" in line)
    return server, told.split("in the browser: ")[1].split()[0]


def key_for(bar: str, place: int) -> str:
    """What the reviewer presses, from what the bar says."""
    if place % 10 == 9:
        return "l"
    wrong = re.search(r"wrong label: (\d+) %", bar)
    return "a" if wrong and int(wrong[1]) >= 50 else "k"


def see(page: Any, condition: str, told: str) -> None:
    """Wait until the page shows it; a queue that gets stuck ends the run with what the bar says."""
    from playwright.sync_api import TimeoutError as Late

    try:
        page.wait_for_function(condition, arg=told, timeout=30_000)
    except Late:
        sys.exit(f"stuck, waiting for `{told}`; the bar says: {page.evaluate(BAR)}")


def clear(page: Any, pictures: Path | None) -> tuple[list[float], list[str]]:
    """Clear the queue from the keyboard; seconds from each key until the next image, and the keys."""

    def shoot(name: str) -> None:
        if pictures:
            page.wait_for_timeout(1500)
            page.screenshot(path=pictures / f"review-{name}.png")

    shoot("grid")
    page.keyboard.press("Enter")
    page.wait_for_selector('[data-cy="modal"]')
    page.wait_for_function(STARTED, arg="labelled")
    shoot("open")
    spent, keys = [], []
    total = int(re.search(r"of (\d+) decided", page.evaluate(BAR))[1])  # type: ignore[index]
    for place in range(total):
        bar, before = page.evaluate(BAR), page.evaluate(OPEN)
        keys.append(key_for(bar, place))
        started = time.perf_counter()
        page.keyboard.press(keys[-1])
        if keys[-1] == "l":
            page.keyboard.type("eig")
            if place == 9:
                shoot("relabel")
            page.keyboard.press("Enter")
        done = f"{place + 1} of {total} decided"
        see(page, STARTED, done)
        if place + 1 < total:
            see(page, f"old => {OPEN} && {OPEN} !== old", before)
        spent.append(time.perf_counter() - started)
        print(f"{place + 1}: {keys[-1]}, {spent[-1]:.2f} s", flush=True)
        if place in {4, total // 2}:
            shoot(f"after-{place + 1}")
    see(page, STARTED, "the queue is cleared")
    shoot("cleared")
    return spent, keys


def browse(address: str, home: Path, pictures: Path | None) -> tuple[list[float], list[str]]:
    """Open the address in chromium and clear the queue."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            home / "profile", executable_path=shutil.which("chromium"), headless=True, args=FLAGS,
            env={**os.environ, "HOME": str(home)}, viewport={"width": 1400, "height": 860},
        )  # fmt: skip
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.goto(address, timeout=90_000)
        page.wait_for_selector('[data-cy="looker"]')
        page.wait_for_selector("#curation-review:visible")
        while page.locator('[data-cy="modal"], .MuiBackdrop-root').count():  # the App's own greeting
            page.keyboard.press("Escape")
            page.wait_for_timeout(500)
        found = clear(page, pictures)
        context.close()
    return found


def check(root: Path, keys: list[str]) -> list[object]:
    """What the log says: rows, images decided twice or out of order, and decisions by kind."""
    import pandas as pd

    from curation.decisions.log import read_reviews

    log = read_reviews(root / "data/reviews.csv")
    queue = pd.read_parquet(root / "data/errors.parquet").sort_values("rank")["image_id"].head(len(keys))
    misplaced = int((log["image_id"].to_numpy() != queue.to_numpy()).sum()) if len(log) == len(queue) else "all"
    counts = ", ".join(f"{count} {word}" for word, count in log["decision"].value_counts().sort_index().items())
    return [len(keys), len(log), misplaced, counts]


def main() -> None:
    """Make or take a project, clear its queue, write what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path)
    parser.add_argument("--pictures", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        root = Path(folder) / "project"
        if chosen.project:
            shutil.copytree(chosen.project, root, symlinks=True)
        else:
            sample_project(root)
        params = root / "params.yaml"
        params.write_text(re.sub(r"limit: \d+", f"limit: {NUMBER}", params.read_text()))
        (root / "data/reviews.csv").write_text("image_id,decision,label,subclass,reviewer,decided_at,model,note\n")
        pid = start_mongod(home)
        try:
            server, address = serve(root, home)
            try:
                spent, keys = browse(address, home, chosen.pictures)
            finally:
                server.terminate()
                server.wait()
            left = json.loads(subprocess.run([CURATE, "review", "status", "--json"], cwd=root, check=True, capture_output=True).stdout)  # fmt: skip # noqa: E501
        finally:
            os.kill(pid, signal.SIGTERM)
        figures = [*check(root, keys), left[-1]["left"]]
    header = ["queue", "rows in the log", "misplaced", "decisions", "left", "s a decision, median", "longest", "all"]
    times = [f"{statistics.median(spent):.2f}", f"{max(spent):.2f}", f"{sum(spent):.0f}"]
    about = "The sample digits in headless chromium, by `benchmarks/review_keyboard.py`; a reviewer who never thinks."
    write_page(
        "review_keyboard", "A queue cleared with the keyboard alone", about, [Table(header, [[*figures, *times]])]
    )


if __name__ == "__main__":
    main()
