"""The two maps of curation/engine beside joblib and pebble: their speed, and what becomes of a run that goes wrong.

    python benchmarks/engines.py [--trial]

Each case runs in a process of its own, with two workers. Needs joblib and pebble. Writes benchmarks/results/engines.md.
"""

import argparse
import functools
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[1] / "tests"))
from factories.processes import living
from photographs import write_photographs
from tables import Table, write_page

from curation.engine import mapping, processes
from curation.engine.guard import Bounds, Failure, run_guarded
from curation.images.opening import open_image

Function = Callable[[Any], Any]
Engine = Callable[[Function, Iterable[Any], int], Iterator[Any]]
WORKERS = 2
TIMEOUT, MEMORY = 3.0, 500
HANG = "__import__('time').sleep(600)"
NAP = "__import__('time').sleep(2)"
CRASH = "__import__('os').kill(__import__('os').getpid(), 11)"
BALLOON = "len(bytearray(10**11))"
QUICK = "1"


def measure(path: str) -> tuple[int, int]:
    """Decode a photograph, and return only its size: a small answer, as those of ingest are."""
    wide, high = open_image(Path(path), reduce_to=256).size
    return wide, high


def with_joblib(function: Function, items: Iterable[Any], chunk: int) -> Iterator[Any]:
    """Joblib as its documentation has it: processes of loky, results in order as they come."""
    from joblib import Parallel, delayed

    jobs = (delayed(function)(item) for item in items)
    pool = Parallel(n_jobs=WORKERS, return_as="generator", batch_size=chunk, pre_dispatch=4 * WORKERS * chunk)
    yield from pool(jobs)


def with_pebble(function: Function, items: Iterable[Any], chunk: int) -> Iterator[Any]:
    """Pebble: an item a task, each with its time limit; we keep a window, as `pool.map` takes all items at once."""
    from concurrent.futures import TimeoutError as TooSlow

    from pebble import ProcessExpired, ProcessPool

    with ProcessPool(WORKERS, initializer=_bound, context=processes.context(function)) as pool:
        pending: deque[Future[Any]] = deque()
        for item in items:
            pending.append(pool.schedule(function, args=[item], timeout=TIMEOUT))
            if len(pending) > 4 * WORKERS * chunk:
                yield _settled(pending.popleft(), TooSlow, ProcessExpired)
        while pending:
            yield _settled(pending.popleft(), TooSlow, ProcessExpired)


def _settled(future: Future[Any], *failures: type[Exception]) -> Any:
    settled: tuple[type[Exception], ...] = (*failures, MemoryError)
    try:
        return future.result()
    except settled as error:
        return Failure(type(error).__name__, str(error))


def _bound() -> None:
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY * 2**20,) * 2)


ENGINES = {
    "run": lambda function, items, chunk: mapping.run(function, items, workers=WORKERS, chunk=chunk),
    "joblib": with_joblib,
    "run_guarded": lambda function, items, chunk: run_guarded(
        function, items, processes=WORKERS, bounds=Bounds(TIMEOUT, MEMORY), chunk=chunk
    ),
    "pebble": with_pebble,
}


def tiny(engine: Engine) -> float:
    """Items a second, 20,000 items that are no work."""
    return _speed(engine, abs, range(-20_000, 0), 64)


def measuring(engine: Engine) -> float:
    """Photographs a second, with a small answer."""
    return _speed(engine, measure, _photographs(), 16)


def small(engine: Engine) -> float:
    """Pictures of 32 pixels a second, with a small answer."""
    paths = sorted(str(path) for path in Path(os.environ["PHOTOGRAPHS"]).glob("*.png"))
    return _speed(engine, measure, paths * 10 * int(os.environ["REPEAT"]), 32)


def _photographs() -> list[str]:
    paths = sorted(str(path) for path in Path(os.environ["PHOTOGRAPHS"]).glob("*.jpg"))
    return paths * int(os.environ["REPEAT"])


def _speed(engine: Engine, function: Function, items: Sequence[Any], chunk: int) -> float:
    results = engine(function, items, chunk)
    begun = time.perf_counter()
    count = sum(1 for _ in results)
    assert count == len(items)
    return count / (time.perf_counter() - begun)


def taken(engine: Engine) -> int:
    """How many items of a generator were taken when the caller had one result and rested for three seconds."""
    seen = 0

    def numbers() -> Iterator[int]:
        nonlocal seen
        for number in range(20_000):
            seen += 1
            yield number

    results = iter(engine(abs, numbers(), 32))
    next(results)
    time.sleep(3)
    found = seen
    list(results)
    return found


def wrong(engine: Engine, bad: str) -> str:
    """What comes out of 400 items, one of which is bad: how many good results, what the bad one gives, in how long."""
    items = [QUICK] * 100 + [bad] + [QUICK] * 299
    begun, good, said = time.perf_counter(), 0, ""
    try:
        for result in engine(eval, items, 32):
            good += result == 1
            said = said or (f"{result.kind}" if isinstance(result, Failure) else "")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what we want to know
        said = type(error).__name__
    return f"{good} of 399, {said}, {time.perf_counter() - begun:.1f} s"


def interrupted(engine: Engine) -> None:
    """Work that is ended from outside, in the midst of items of two seconds."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's job in the background ignores it
    for _ in engine(eval, [QUICK, *[NAP] * 10], 1):
        print("going", flush=True)


CASES = {
    "tiny": tiny,
    "small": small,
    "measuring": measuring,
    "taken": taken,
    "crash": lambda engine: wrong(engine, CRASH),
    "hang": lambda engine: wrong(engine, HANG),
    "balloon": lambda engine: wrong(engine, BALLOON),
    "interrupted": interrupted,
}


def ask(engine: str, case: str, limit: float = 300.0) -> Any:
    """Run one case in a process of its own; where it never ends, say so."""
    command = [sys.executable, __file__, "--one", engine, case]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        out, _ = process.communicate(timeout=limit)
        return json.loads(out.splitlines()[-1]) if out.strip() else f"died ({process.returncode})"
    except subprocess.TimeoutExpired:
        return f"no end within {limit:.0f} s"
    finally:
        _sweep(process.pid)


def ended(engine: str, how: signal.Signals) -> str:
    """How many processes are left, and after how long, when the run is ended by a signal while a worker spins."""
    command = [sys.executable, __file__, "--one", engine, "interrupted"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(1)
    begun = time.perf_counter()
    os.killpg(process.pid, how) if how == signal.SIGINT else process.send_signal(how)
    while len(living(process.pid)) > 0 and time.perf_counter() - begun < 20:
        time.sleep(0.05)
    left, seconds = len(living(process.pid)), time.perf_counter() - begun
    _sweep(process.pid)
    return f"{left} left after {seconds:.1f} s"


def _sweep(session: int) -> None:
    for pid in living(session):
        os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Measure and write the page."""
    asked = _arguments()
    if asked.one:
        engine, case = asked.one
        print(json.dumps(CASES[case](ENGINES[engine])), flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="bench-engines-") as folder:
        write_photographs(Path(folder), 20 if asked.trial else 200)
        for number in range(200):
            pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(Path(folder) / f"{number}.png")
        os.environ |= {"PHOTOGRAPHS": folder, "REPEAT": "1" if asked.trial else "5"}
        speeds = {case: _speeds(case, 1 if asked.trial else 2) for case in ("tiny", "small", "measuring")}
    rows = [
        ["20,000 tiny items, items/s", *(f"{speeds['tiny'][name]:,.0f}" for name in ENGINES)],
        [
            "10,000 pictures of 32 pixels, images/s",
            *(f"{speeds['small'][name]:,.0f}" for name in ENGINES),
        ],
        ["1,000 photographs, images/s", *(f"{speeds['measuring'][name]:,.0f}" for name in ENGINES)],
        ["items taken of 20,000 while the caller rests", *(ask(name, "taken") for name in ENGINES)],
        *([case, *(ask(name, case, 15) for name in ENGINES)] for case in ("crash", "hang", "balloon")),
        ["Ctrl-C in the midst of an item of 2 s", *(ended(name, signal.SIGINT) for name in ENGINES)],
        ["the parent is killed (SIGKILL)", *(ended(name, signal.SIGKILL) for name in ENGINES)],
    ]
    about = (
        f"Two workers. The bad item is one of 400; limits are {TIMEOUT:g} s and {MEMORY} MB, where there are any. "
        "Speeds are the mean of two runs, the engines in turn."
    )
    write_page(
        "engines", "The maps of the engine", about, [Table(["case", *ENGINES], rows)], NOTES, keep=not asked.trial
    )


def _speeds(case: str, rounds: int) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in ENGINES}
    for _ in range(rounds):
        for name in ENGINES:
            found[name].append(ask(name, case))
    return {name: statistics.mean(times) for name, times in found.items()}


NOTES = ""


@functools.cache
def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trial", action="store_true", help="few items, and no page kept")
    parser.add_argument("--one", nargs=2, metavar=("ENGINE", "CASE"), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
