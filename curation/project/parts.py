"""Who changes what: the parts of a project that one command at a time may change.

Each command holds the parts that it changes, from its first look to its last write. Another command of the same part
ends and names it, or waits with `--wait`.

- REGISTRY, the production model and what follows it: `promote`, `rollback`, `versions --register`, `benchmark renew`
- IMAGES, the files in data/: `label accept`, `purge`, `sample`
- BEHAVIOUR, stages/behaviour.yaml: `init --update`
- SEARCH, the study of a search: `tune`

The first three change what stages read, so they also keep DVC away; see `dvc_locks`.

What takes moments waits by itself, under a lock of the project (`Project.lock`):

- "decisions", from reading data/reviews.csv to adding rows: `label accept`, `label import`, `undrop`, `review pull`.
  The App adds single rows without a look at the others; the lock of the log itself is enough for that.
- "queue", the datasets of this project in FiftyOne: `review push`, `review open` while it pushes, the stage `review`,
  and the pool commands with `--push`
- "audits", data/audits.json: `audit`
- the caches of scores, one lock for each model: `identify`

Tables are written by stages alone, and DVC lets only one process write one. All other commands only read. A table and a
log are always whole for them. While DVC runs, tables may be of two runs; a command then says so.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path

from curation.project.behaviour_versions import FILE
from curation.project.dvc_locks import keep_dvc_away
from curation.project.locks import hold
from curation.project.places import Places


class Part(StrEnum):
    """A part of a project that one command at a time changes, in the order in which a command takes several."""

    REGISTRY = "registry"
    IMAGES = "images"
    BEHAVIOUR = "behaviour"
    SEARCH = "search"


WORDS = {
    Part.REGISTRY: "the production model of this project",
    Part.IMAGES: "the image files of this project",
    Part.BEHAVIOUR: "stages/behaviour.yaml",
    Part.SEARCH: "the search of this project",
}


@contextmanager
def alone(places: Places, *parts: Part) -> Iterator[None]:
    """Hold parts of the project. LockedError names the command that holds one, when the patience is over."""
    with ExitStack() as held:
        for part in sorted(parts, key=list(Part).index):
            held.enter_context(hold(places.caches / "locks" / f"{part}.lock", wait=False, what=WORDS[part]))
        held.enter_context(keep_dvc_away(places.root, _read_by_stages(places, parts)))
        yield


def _read_by_stages(places: Places, parts: Sequence[Part]) -> list[Path]:
    """Return the paths of these parts that stages read."""
    found: dict[Part, list[Path]] = {
        Part.REGISTRY: [places.params_file, places.benchmark_renewals],
        Part.IMAGES: [places.raw, places.unlabelled, places.benchmark],
        Part.BEHAVIOUR: [places.root / FILE],
    }
    return [path for part in parts for path in found.get(part, [])]
