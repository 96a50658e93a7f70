"""Fuzz every reader of files that people, tools or machines give: a fault is anything but an answer or one message.

    python tests/campaigns/run.py fuzz [--seconds 60] [--seed 0] [--parser NAME] [--only NUMBER]

An input is drawn from the seed, the name of the parser and a number, so that each can be made again. Each must be
accepted, or refused by one CurationError of one line, within SECONDS of processor time and MEGABYTES of memory. The
readers run in guarded processes, `curation.engine.guard`, which survive what hangs or crashes.
"""

import itertools
import signal
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic, process_time

from campaigns.parsers import PARSERS
from curation.engine.guard import Bounds, Failure, run_guarded
from curation.errors import LONGEST, message_of

SECONDS, MEGABYTES = 2.0, 1000
TOLD = 60  # seconds between two lines on how far it is
MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Batch:
    """Inputs `first` to `first + count` of a parser."""

    parser: str
    seed: int
    first: int
    count: int

    def single(self) -> Iterator["Batch"]:
        """The same inputs, one a batch."""
        for number in range(self.first, self.first + self.count):
            yield Batch(self.parser, self.seed, number, 1)


@dataclass(frozen=True)
class Fault:
    """An input that a parser does not stand: its number, and what became of it."""

    parser: str
    number: int
    kind: str  # the same for all inputs that fail in the same way
    words: str


@dataclass
class Found:
    """What became of a batch, or of many."""

    parser: str
    accepted: int = 0
    refused: int = 0
    slowest: float = 0.0
    faults: list[Fault] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many inputs were read; one that is refused with a bad message is one of the refused."""
        return self.accepted + self.refused + sum(not one.kind.startswith("a message") for one in self.faults)


class Slow(BaseException):
    """An input took more processor time than SECONDS; no reader catches it."""


def make(parser: str, seed: int, number: int) -> bytes:
    """The bytes of one input."""
    return PARSERS[parser].make(Random(f"{seed}/{parser}/{number}"))


def read_batch(batch: Batch) -> Found:
    """Read the inputs of a batch, in this process."""
    found = Found(batch.parser)
    signal.signal(signal.SIGPROF, _slow)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        warnings.simplefilter("error")
        for number in range(batch.first, batch.first + batch.count):
            _read_one(batch, number, Path(folder), found)
    return found


def _read_one(batch: Batch, number: int, folder: Path, found: Found) -> None:
    parser = PARSERS[batch.parser]
    path = folder / f"input{parser.suffix}"
    path.write_bytes(make(batch.parser, batch.seed, number))
    begun = process_time()
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        parser.read(path)
        found.accepted += 1
    except parser.refusals as error:
        found.refused += 1
        if problem := _bad_message(message_of(error).removeprefix("error: ")):
            found.faults.append(Fault(batch.parser, number, f"a message {problem}", str(error)[:300]))
    except Slow:
        found.faults.append(Fault(batch.parser, number, "slow", f"more than {SECONDS:g} s of processor time"))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a fault to be told
        found.faults.append(Fault(batch.parser, number, _kind(error), traceback.format_exc()))
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    found.slowest = max(found.slowest, process_time() - begun)


def _slow(signum: int, frame: object) -> None:
    raise Slow


def _bad_message(text: str) -> str:
    """What is wrong with a message, "" when nothing is."""
    if not text.strip():
        return "without words"
    if "Traceback" in text:
        return "with a traceback"
    return f"of more than {LONGEST} characters" if len(text) > LONGEST + 10 else ""


def _kind(error: Exception) -> str:
    """The kind of an exception and the last line of ours that it passed."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/curation/" in frame.filename] or frames
    return f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"


def campaign(seconds: float, seed: int, names: list[str], processes: int = 1) -> dict[str, Found]:
    """Fuzz these parsers in turn for so long; what became of the inputs, by parser."""
    until = monotonic() + seconds
    return read_guarded(itertools.takewhile(lambda _: monotonic() < until, _batches(seed, names)), processes)


def read_guarded(batches: Iterable[Batch], processes: int = 1) -> dict[str, Found]:
    """Read the inputs of batches in guarded processes; what became of them, by parser."""
    total: dict[str, Found] = {}
    given: list[Batch] = []
    told = monotonic()
    bounds = Bounds(timeout=120, memory=MEGABYTES)
    kept = (given.append(batch) or batch for batch in batches)
    for number, found in enumerate(run_guarded(read_batch, kept, processes=processes, bounds=bounds, chunk=1)):
        for one in [found] if isinstance(found, Found) else _singly(given[number]):
            _tell_new(total.setdefault(one.parser, Found(one.parser)), one)
            _add(total[one.parser], one)
        if monotonic() - told > TOLD:
            told = monotonic()
            count = sum(one.count for one in total.values())
            print(f"{count:,} inputs, {sum(len(one.faults) for one in total.values())} faults", flush=True)
    return total


def _tell_new(total: Found, one: Found) -> None:
    """Print at once what fails in a new way."""
    for fault in one.faults:
        if fault.kind not in kinds(total):
            print(f"{fault.parser}, input {fault.number}: {fault.kind}", flush=True)


def _batches(seed: int, names: list[str]) -> Iterator[Batch]:
    for turn in itertools.count():
        for name in names:
            size = PARSERS[name].batch
            yield Batch(name, seed, turn * size, size)


def _singly(batch: Batch) -> Iterator[Found]:
    """The inputs of a batch that ended its process, one by one: which one hangs, crashes or takes the memory."""
    bounds = Bounds(timeout=10, memory=MEGABYTES)
    for one, found in zip(
        batch.single(), run_guarded(read_batch, batch.single(), processes=1, bounds=bounds), strict=True
    ):
        if isinstance(found, Failure):
            yield Found(one.parser, faults=[Fault(one.parser, one.first, found.kind, found.reason)])
        else:
            yield found


def _add(total: Found, one: Found) -> None:
    total.accepted += one.accepted
    total.refused += one.refused
    total.slowest = max(total.slowest, one.slowest)
    total.faults += one.faults


def kinds(found: Found) -> Counter[str]:
    """How many inputs failed in each way."""
    return Counter(fault.kind for fault in found.faults)
