"""Two commands of one project at the same time, and whether the end is that of one after the other.

`Crowd(base, work, env)` copies the project `base` for each trial, runs the commands in real processes, and reduces what
is left to facts that do not depend on the clock. A pair is right when the end is that of one serial order, or when one
command ended, named the other, and the end is that of the other alone.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq

Facts = Mapping[str, object]
REFUSED = re.compile(
    r"\(process \d+, since .*\) (holds|runs in)|is busy, it is being blocked by|Unable to acquire lock"
)
ODD_LEFTOVERS = (".partial", "journal.json")
TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+Z?|\d{8}-\d{6}(-\d+)?|\b[0-9a-f]{40}\b(\+changes)?")
COMMANDS: dict[str, str] = {
    "promote": "curate promote --force --reason why --json",
    "rollback": "curate rollback --reason why --json",
    "register": "curate versions --register",
    "renew": "curate benchmark renew --share 0.5 --yes",
    "accept": "curate label accept picks.csv --rest-as predicted --reviewer Ada",
    "accept others": "curate label accept others.csv --rest-as unknown --reviewer Bo",
    "import": "curate label import done.json --reviewer Cy",
    "undrop": "curate undrop --all --reason copy --reviewer Di",
    "purge": "curate purge --max-conf 1 --min-ood-score 0 --limit 20 --yes",
    "purge undo": "curate purge --undo",
    "push": "curate review push",
    "pull": "curate review pull",
    "next push": "curate next -n 10 --push",
    "identify": "curate identify data/unlabelled --out identified.parquet",
    "audit": "curate audit unknowns --n 10 --min-conf 0 --seed 3",
    "sample": "curate sample digits --mess --seed 20263 --force",
    "update": "curate init --update",
    "cutoff": "dvc repro cutoff",
    "split": "dvc repro split",
    "add": "dvc add data/raw data/unlabelled",
    "report": "curate report",
}


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it printed."""

    code: int
    said: str

    @property
    def refused(self) -> bool:
        """Whether it ended because of another command, and named it."""
        return self.code != 0 and bool(REFUSED.search(self.said))


@dataclass
class Crowd:
    """Trials on copies of the project `base`, below the folder `work`; `env` is what the commands see."""

    base: Path
    work: Path
    env: Mapping[str, str]
    trials: int = 0
    alone: dict[Sequence[str], tuple[Facts, list[Ended]]] = field(default_factory=dict)

    def check(self, one: str, other: str) -> str:
        """Run a pair at the same time; "" when the end is right, else what is wrong."""
        facts, ended = self.run([one, other], together=True)
        if any("Traceback" in each.said for each in ended):
            return f"a traceback: {[each.said[-800:] for each in ended]}"
        if all(each.refused for each in ended):
            return "" if facts == self.begin else "both were refused, and yet something changed"
        if any(each.refused for each in ended):
            stayed = other if ended[0].refused else one
            wanted = [self.serial(stayed)]
        else:
            wanted = [self.serial(one, other), self.serial(other, one)]
        ends = [each for each, _ in wanted]
        return "" if facts in ends else f"{[each.said[-300:] for each in ended]}\n{_difference(facts, ends[0])}"

    def serial(self, *names: str) -> tuple[Facts, list[Ended]]:
        """The end of commands that run one after the other."""
        if names not in self.alone:
            self.alone[names] = self.run(names, together=False)
        return self.alone[names]

    @cached_property
    def begin(self) -> Facts:
        """The facts of the project before any command."""
        return self.run([], together=False)[0]

    def run(self, names: Sequence[str], *, together: bool) -> tuple[Facts, list[Ended]]:
        """Run commands in a copy of their own: all at once, or one after the other."""
        self.trials += 1
        root = self.work / f"{self.trials}"
        copy(self.base, root)
        database = f"crowd_{self.work.name}_{self.trials}"
        env = {**self.env, "FIFTYONE_DATABASE_NAME": database}
        started, ended = [], []
        for name in names:
            started.append(_start(COMMANDS[name], root, env))
            if not together:
                ended.append(_end(started.pop()))
        ended += [_end(one) for one in started]
        facts = {**facts_of(root), "datasets": _datasets(env)}
        shutil.rmtree(root)
        return facts, ended


def copy(base: Path, root: Path) -> None:
    """Copy a project; what DVC keeps in its cache is linked."""
    shutil.copytree(base, root, symlinks=True, ignore=shutil.ignore_patterns("tmp", ".venv"), copy_function=_copy)


def facts_of(root: Path) -> dict[str, object]:
    """What commands may change in a project, without times, commits and processes."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if (
            path.is_dir()
            or path.suffix == ".lock"
            or name.startswith((".git/", ".dvc/", ".venv/", "curation/", "tests/", "docs/"))
        ):
            continue
        if name.startswith(".cache/"):
            if name.endswith(ODD_LEFTOVERS):
                found[name] = "left over"
            continue
        text = path.read_bytes()
        if path.suffix in {".jsonl", ".json", ".csv", ".yaml", ".md", ".html"}:
            lines = TIMES.sub("T", text.decode("utf-8", "replace")).splitlines()
            found[TIMES.sub("T", name)] = sorted(lines) if path.suffix in {".csv", ".jsonl"} else lines
        elif path.suffix == ".parquet":
            rows = sorted(pq.read_table(path).to_pylist(), key=lambda row: str(row["image_id"]))
            found[name] = hashlib.md5(repr(rows).encode(), usedforsecurity=False).hexdigest()
        else:
            found[TIMES.sub("T", name)] = hashlib.md5(text, usedforsecurity=False).hexdigest()
    found["tags"] = sorted(_git(root, "tag").split())
    found["commits"] = sorted(line for line in _git(root, "log", "--format=%s").splitlines())
    return found


def _start(command: str, root: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command.split(), cwd=root, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _end(process: subprocess.Popen[str]) -> Ended:
    said, _ = process.communicate(timeout=600)
    return Ended(process.returncode, said)


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout


def _datasets(env: Mapping[str, str]) -> dict[str, int]:
    """The datasets of FiftyOne with their numbers of samples; the database is dropped then."""
    if "FIFTYONE_DATABASE_URI" not in env:
        return {}
    import pymongo

    with pymongo.MongoClient(env["FIFTYONE_DATABASE_URI"]) as client:
        database = client[env["FIFTYONE_DATABASE_NAME"]]
        sets = list(database["datasets"].find({}, {"name": 1, "sample_collection_name": 1}))
        found = {one["name"]: database[one["sample_collection_name"]].count_documents({}) for one in sets}
        client.drop_database(env["FIFTYONE_DATABASE_NAME"])
    return found


def _difference(one: Facts, other: Facts) -> str:
    names = sorted({*one, *other})
    rows = [(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)]
    return json.dumps([[name, str(a)[:600], str(b)[:600]] for name, a, b in rows[:6]], ensure_ascii=False, indent=1)


def _copy(source: str, target: str) -> None:
    if "/.dvc/cache/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)
