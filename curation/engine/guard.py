"""Apply a function to files in worker processes, so that a file whose decoder hangs or crashes fails alone.

Each worker is a process of its own behind a pipe; `curation.engine.guarded_worker` is the worker's side. A worker that
is too slow is killed, and one that dies is replaced. The item it was working on becomes a `Failure`. Answers travel a
few at a time, so a counter in shared memory says which item that was.
"""

import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from curation.engine.guarded_worker import ANSWER_SECONDS, serve
from curation.engine.processes import WorkerError, context, count

Item = TypeVar("Item")
Result = TypeVar("Result")
Numbered = list[tuple[int, Item]]

AHEAD = 128  # chunks that may be finished while the oldest one is not: a file that hangs holds nobody up
START_SECONDS = 120.0
GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Failure:
    """What `run_guarded` gives in place of a result: `kind` is timeout, memory or crash; `reason` says it in words."""

    kind: str
    reason: str


@dataclass(frozen=True)
class Bounds:
    """What one item may cost: seconds, and megabytes of address space beyond what the process starts with."""

    timeout: float = 30.0
    memory: int = 4000


def run_guarded(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    processes: int = 0,
    bounds: Bounds = Bounds(),
    chunk: int = 32,
) -> Iterator[Result | Failure]:
    """Yield function(item), or a Failure, for every item, in order, from worker processes (0: one a core).

    A crash or want of memory is believed only when it happens again in a fresh process, as an earlier item may have
    caused it. Exceptions of `function` are raised here. No process outlives the iterator.
    """
    pool: _Pool[Item, Result] = _Pool(function, count(processes), bounds)
    source = enumerate(items)
    done: dict[int, Result | Failure] = {}
    fed = given = 0
    try:
        while True:
            while pool.has_room():
                part = pool.take_back() or (list(islice(source, chunk)) if fed - given < AHEAD * chunk else [])
                if not part:
                    break
                fed = max(fed, part[-1][0] + 1)
                pool.give(part)
            while given in done:
                yield done.pop(given)
                given += 1
            if not pool.busy():
                return
            done.update(pool.collect())
    finally:
        pool.close()


@dataclass(eq=False)
class _Worker(Generic[Item]):
    """A process, the pipe to it, how many items it began, and the numbered ones it has not answered yet."""

    process: BaseProcess
    pipe: Connection
    begun: Any
    answered: int = 0
    todo: deque[tuple[int, Item]] = field(default_factory=deque)
    since: float = field(default_factory=time.monotonic)
    ready: bool = False


class _Pool(Generic[Item, Result]):
    """The worker processes, each replaced when it dies or has to be killed."""

    def __init__(self, function: Callable[[Item], Result], size: int, bounds: Bounds) -> None:
        self.function, self.size, self.bounds = function, size, bounds
        self.context = context(function)
        self.workers: list[_Worker[Item]] = []
        self.back: deque[Numbered[Item]] = deque()
        self.suspects: set[int] = set()

    def has_room(self) -> bool:
        return len(self.workers) < self.size or any(not worker.todo for worker in self.workers)

    def busy(self) -> bool:
        return any(worker.todo for worker in self.workers)

    def take_back(self) -> Numbered[Item]:
        """Items that came back because their worker died under another one."""
        return self.back.popleft() if self.back else []

    def give(self, part: Numbered[Item], worker: _Worker[Item] | None = None) -> None:
        """Hand items to a worker that has none, or to a new one."""
        idle = worker or next((worker for worker in self.workers if not worker.todo), None) or self._start()
        idle.todo.extend(part)
        idle.since = time.monotonic()
        with suppress(OSError):  # it died while it had nothing to do: `collect` finds out
            idle.pipe.send([item for _, item in part])

    def collect(self) -> dict[int, Result | Failure]:
        """Wait until a worker answers, dies or is too slow; return what became of its items."""
        busy = [worker for worker in self.workers if worker.todo]
        nearest = min(worker.since + self._patience(worker) for worker in busy) - time.monotonic()
        readable = wait([worker.pipe for worker in busy], timeout=max(nearest, 0.0) + 0.01)
        done: dict[int, Result | Failure] = {}
        for worker in busy:
            if worker.pipe in readable:
                done.update(self._receive(worker))
            elif time.monotonic() - worker.since > self._patience(worker):
                done.update(
                    self._bury(worker, Failure("timeout", f"it took longer than {self.bounds.timeout:g} seconds"))
                )
        return done

    def close(self) -> None:
        for worker in self.workers:
            _stop(worker.process, worker.pipe)
        self.workers.clear()

    def _patience(self, worker: _Worker[Item]) -> float:
        return self.bounds.timeout + ANSWER_SECONDS if worker.ready else START_SECONDS

    def _start(self) -> _Worker[Item]:
        ours, theirs = self.context.Pipe()
        begun = self.context.RawValue("q", 0)
        how = (theirs, self.function, self.bounds.timeout + GRACE_SECONDS, self.bounds.memory, begun)
        process = self.context.Process(target=serve, args=how, daemon=True)
        process.start()
        theirs.close()
        worker: _Worker[Item] = _Worker(process, ours, begun)
        self.workers.append(worker)
        return worker

    def _receive(self, worker: _Worker[Item]) -> dict[int, Result | Failure]:
        try:
            kind, answer = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(GRACE_SECONDS)
            return self._bury(worker, _crash(worker.process.exitcode, self.bounds))
        worker.since = time.monotonic()
        if kind == "ready":
            worker.ready = True
            return {}
        if kind == "memory":
            return self._bury(worker, Failure("memory", f"it needs more than {self.bounds.memory} MB of memory"))
        if kind == "raised":
            raise answer
        worker.answered += len(answer)
        return {worker.todo.popleft()[0]: one for one in answer}

    def _bury(self, worker: _Worker[Item], failure: Failure) -> dict[int, Result | Failure]:
        """Remove a worker; the last item it began is what ended it, and the others wait for the next one."""
        _stop(worker.process, worker.pipe)
        self.workers.remove(worker)
        if not worker.ready:
            raise WorkerError(f"a worker process could not start ({failure.reason})")
        culprit = max(worker.begun.value - worker.answered - 1, 0)
        number, item = worker.todo[culprit]
        del worker.todo[culprit]
        if worker.todo:
            self.back.appendleft(list(worker.todo))
        if failure.kind == "timeout" or number in self.suspects:
            return {number: failure}
        self.suspects.add(number)
        self.give([(number, item)], self._start())
        return {}


def _stop(process: BaseProcess, pipe: Connection) -> None:
    pipe.close()
    process.kill()
    process.join()
    process.close()


def _crash(code: int | None, bounds: Bounds) -> Failure:
    if code == -signal.SIGALRM:
        return Failure("timeout", f"it took longer than {bounds.timeout:g} seconds")
    name = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
    return Failure("crash", f"the decoder crashed on it ({name})")
