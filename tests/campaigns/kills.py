"""Kill the stages and commands of a round at random moments, until each has completed, and compare with a quiet round.

    python tests/campaigns/run.py kills [--kills 20] [--seed 0]

A kill is SIGKILL to a command and all that it started. After each, no table is torn and no decision is lost. Where a
kill tore DVC's list of locks, `curate doctor --mend` mends it. After each command that completed at last, the project
has the bytes of the round that nobody disturbed, and no draft is left.
"""

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from subprocess import TimeoutExpired

import pyarrow.parquet as pq
from factories.projects import Repository

from campaigns import rounds

REPRO = ["dvc", "repro", "report"]
ROUND = [
    REPRO,
    ["curate", "next", "-n", "6", "--csv", "picks.csv"],
    ["curate", "label", "accept", "picks.csv", "--rest-as", "predicted", "--reviewer", "ann"],
    ["dvc", "add", "-q", "data/raw", "data/unlabelled"],
    ["curate", "purge", "--max-conf", "1", "--min-ood-score", "0", "--limit", "3", "--yes"],
    ["curate", "purge", "--undo"],
    ["curate", "promote", "--force", "--reason", "a campaign"],
    REPRO,
    ["curate", "init", "--update"],
    REPRO,
]
UNEQUAL = {"purge"}  # run again after a kill, it purges three more; `--undo` brings back all
MOST = 4  # kills of one command before it may complete


@dataclass
class Told:
    """Kills by command, what differed, and what was found after a kill."""

    kills: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)  # needed `curate doctor --mend` before they completed
    completed: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def campaign(kills: int, seed: int) -> Told:
    """Run rounds until so many kills were made; each round ends."""
    random, told = Random(seed), Told()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        start = rounds.make_project(Path(folder) / "start")
        quiet = rounds.copy(start, Path(folder) / "quiet")
        expected = [(_run(quiet, command), rounds.fingerprint(quiet)) for command in ROUND]
        number = 0
        while told.kills.total() < kills:
            number += 1
            project = rounds.copy(start, Path(folder) / f"round-{number}")
            for command, (seconds, made) in zip(ROUND, expected, strict=True):
                _disturbed(project, command, seconds, random, told)
                told.completed[name_of(command)] += 1
                told.faults += [f"{name_of(command)}: {one}" for one in _differences(project, command, made)]
                print(
                    f"{told.kills.total()} kills, {name_of(command)} completed, {len(told.faults)} faults", flush=True
                )
    return told


def name_of(command: list[str]) -> str:
    """The words of a command without its options."""
    words = [word for word in command if not word.startswith("-")]
    return " ".join(
        [*words[: 3 if words[1] == "label" else 2], *(one for one in command if one in {"--undo", "--update"})]
    )


def _run(project: Repository, command: list[str]) -> float:
    begun = time.monotonic()
    project.run(*command)
    return time.monotonic() - begun


def _disturbed(project: Repository, command: list[str], seconds: float, random: Random, told: Told) -> None:
    """Run a command again and again, killed at random moments, until it completes."""
    log = project.root.with_suffix(".log")
    for attempt in range(2 * MOST):
        before = set(rounds.decisions(project))
        process = rounds.start(project, command, log)
        try:
            process.wait(random.uniform(0, seconds) if attempt < MOST and random.random() < 0.8 else None)
        except TimeoutExpired:
            rounds.kill(process)
            told.kills[name_of(command)] += 1
            told.faults += [f"after a kill of {name_of(command)}: {one}" for one in torn(project, before)]
            continue
        if process.returncode == 0:
            return
        said = log.read_text(encoding="utf-8", errors="replace")
        if "RWLock" in said:  # DVC's own list, which it does not write whole: the messages of curation name the doctor
            told.mended[name_of(command)] += 1
            rounds.start(project, ["curate", "doctor", "--mend"], log).wait()
            continue
        told.faults.append(f"{name_of(command)} after {attempt} kills ended with {process.returncode}: {said[-600:]}")
    told.faults.append(f"{name_of(command)} did not complete")


def torn(project: Repository, before: set[str]) -> list[str]:
    """Tables that can't be read, and decisions that are gone."""
    found = []
    for path in (project.root / "data").glob("*.parquet"):
        try:
            pq.read_table(path)
        except OSError as error:
            found.append(f"{path.name} is torn ({error})")
    lost = before - set(rounds.decisions(project))
    return found + ([f"{len(lost)} decisions are lost"] if lost else [])


def _differences(project: Repository, command: list[str], made: dict[str, str]) -> list[str]:
    """The files that are not as in the quiet round, and drafts that were left."""
    now = rounds.fingerprint(project)
    differ = sorted(name for name in {*made, *now} if made.get(name) != now.get(name))
    told = [f"not the bytes of the quiet round: {', '.join(differ[:5])}"] if differ else []
    left = rounds.leftovers(project)
    return ([] if command[1] in UNEQUAL and "--undo" not in command else told) + ([f"left: {left}"] if left else [])
