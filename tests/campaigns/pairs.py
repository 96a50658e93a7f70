"""Start two commands of one project at the same moment: both complete, or one says why it can't, and nothing is torn.

    python tests/campaigns/run.py pairs [--pairs 20] [--seed 0]

A command may end with an error that is one message, as where another command holds the project. After each pair every
table can be read, no decision is lost or doubled, no draft is left, and `dvc repro` completes.
"""

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from factories.projects import Repository

from campaigns import rounds
from campaigns.kills import REPRO, ROUND, name_of, torn

PICKED = ROUND[1]  # writes the picks that `accept` reads
COMMANDS = [
    ["curate", "label", "accept", "picks.csv", "--rest-as", "predicted", "--reviewer", "ann"],
    ["curate", "purge", "--max-conf", "1", "--min-ood-score", "0", "--limit", "3", "--yes"],
    ["curate", "promote", "--force", "--reason", "a campaign"],
    ["curate", "undrop", "--reason", "copy", "--all"],
    ["curate", "identify", "data/unlabelled"],
    ["curate", "init", "--update"],
    ["curate", "next", "-n", "3", "--csv", "more.csv"],
    ["curate", "summary"],
    ["dvc", "add", "-q", "data/raw", "data/unlabelled"],
    [*REPRO, "--force"],
]


@dataclass
class Told:
    """What became of the commands, by their words, and the faults."""

    completed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def campaign(pairs: int, seed: int) -> Told:
    """Run so many pairs, each in a copy of one finished round."""
    random, told = Random(seed), Told()
    with tempfile.TemporaryDirectory(prefix="pairs-") as folder:
        ready = rounds.make_project(Path(folder) / "ready")
        ready.run(*REPRO)
        ready.run(*PICKED)
        ready.commit("A round")
        for number in range(pairs):
            project = rounds.copy(ready, Path(folder) / f"pair-{number}")
            chosen = [random.choice(COMMANDS), random.choice(COMMANDS)]
            names = " and ".join(map(name_of, chosen))
            told.faults += [f"{names}: {one}" for one in _together(project, chosen, told)]
            print(f"{number + 1} pairs, {len(told.faults)} faults, {names}", flush=True)
    return told


def _together(project: Repository, chosen: list[list[str]], told: Told) -> list[str]:
    """Start both, wait for both, and look at what they left."""
    before = set(rounds.decisions(project))
    logs = [project.root.with_suffix(f".{number}.log") for number in range(len(chosen))]
    running = [rounds.start(project, command, log) for command, log in zip(chosen, logs, strict=True)]
    faults = []
    for command, process, log in zip(chosen, running, logs, strict=True):
        code, said = process.wait(), log.read_text(encoding="utf-8", errors="replace")
        (told.refused if code else told.completed)[name_of(command)] += 1
        if "Traceback" in said or (code and "error" not in said.lower()):
            faults.append(f"{name_of(command)} ended with {code}: {said[-600:]}")
    rows = [row for row in rounds.decisions(project) if row]
    if len(rows) != len(set(rows)):
        faults.append("a decision stands twice in the log")
    faults += torn(project, before)
    try:
        project.run(*REPRO)
    except AssertionError as error:
        faults.append(f"dvc repro does not complete: {str(error)[-600:]}")
    return faults + [f"left: {one}" for one in rounds.leftovers(project)]
