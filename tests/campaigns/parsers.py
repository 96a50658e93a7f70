"""The readers that the fuzzer tries: a good input of each, how it is made hostile, and how the product reads it.

A reader is called as the product calls it, with what follows in the product: an accepted log is folded, an accepted
import becomes rows of the log, an accepted sheet is written back. So a value that only a later step chokes on is found.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from campaigns import readers
from campaigns.mutations import csv_of, havoc, json_of
from campaigns.samples import (
    CVAT,
    EXPORT,
    JSON_MIN,
    LOCK,
    METADATA,
    PICKS,
    RENEWALS,
    REQUEST,
    REVIEWS,
    TRANSACTION,
    header_bytes,
    journal,
    parquet_of,
    weights_bytes,
)
from curation.errors import CurationError
from curation.review.guard.bodies import BodyError

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
PARAMS = (ROOT / "params.yaml").read_bytes()
YAML = tuple(
    "\n¦: ¦- ¦  ¦\t¦&a ¦*a ¦!!binary ¦!!set ¦2001-99-99¦0o99¦0x¦1_¦<<: ¦? ¦> ¦| ¦%YAML 9¦---\n¦...\n¦1:99:99¦.inf¦~"
    "¦!!int x¦!!timestamp x¦{¦[¦<<<<<<< HEAD\n¦=======\n".encode().split("¦".encode())
)
XML = tuple(
    b"<!DOCTYPE a [<!ENTITY b 'b'>]>|&b;|<image name='a'>|<tag label='x'/>|]]>|<![CDATA[|encoding='utf-16'|encoding='x'"
    b"|<?xml version='1.0' encoding='EUC-JP'?>|&#0;|&#xD800;|xmlns:a='b'|<a:b/>|<!--|-->".split(b"|")
)


@dataclass(frozen=True)
class Parser:
    """A reader, the ending of the files that it takes, how an input is made, and how many make a batch."""

    suffix: str
    make: Callable[[Random], bytes]
    read: Callable[[Path], object]
    batch: int = 500
    refusals: tuple[type[Exception], ...] = (CurationError,)


def _json(sample: object, lines: bool = False) -> Callable[[Random], bytes]:
    def make(random: Random) -> bytes:
        if not lines:
            return json_of(sample, random)
        rows = [json.dumps(row).encode() for row in sample]
        rows[random.randrange(len(rows))] = json_of(random.choice(sample), random)
        return havoc(b"\n".join(rows), random) if random.random() < 0.2 else b"\n".join(rows) + b"\n"

    return make


def _csv(sample: list[list[str]]) -> Callable[[Random], bytes]:
    return lambda random: csv_of(sample, random)


def _bytes(samples: Callable[[], list[bytes]], tokens: tuple[bytes, ...] = ()) -> Callable[[Random], bytes]:
    return lambda random: havoc(random.choice(samples()), random, tokens)


def _params(random: Random) -> bytes:
    """As YAML changed as bytes, or changed as a tree: JSON is YAML."""
    if random.random() < 0.5:
        blocks = readers.shipped(PARAMS)
        return json_of({name: blocks[name] for name in random.sample(list(blocks), 3)}, random)
    lines = PARAMS.splitlines(keepends=True)
    start = random.randrange(len(lines))
    return havoc(b"".join(lines[start : start + random.choice((1, 3, 30))]), random, YAML)


@cache
def pictures() -> list[bytes]:
    """Small pictures of sixteen formats, of benchmarks/hostile_files.py."""
    import numpy as np
    from hostile_files import good_files

    return [data for files in good_files(np.random.default_rng(0), 2, (24, 18)).values() for data in files]


def _picture(random: Random) -> bytes:
    import numpy as np
    from hostile_files import DAMAGE, bombs, strangers

    what = random.random()
    draw = np.random.default_rng(random.getrandbits(64))
    if what < 0.02:
        return random.choice(list((bombs if random.random() < 0.1 else strangers)(draw).values()))
    victim = random.choice(pictures())
    return random.choice(DAMAGE)(victim, draw) if what < 0.4 else havoc(victim, random)


PARSERS: dict[str, Parser] = {
    "params.yaml": Parser(".yaml", _params, readers.params, 200),
    "behaviour.yaml": Parser(".yaml", _bytes(lambda: [b"ingest: 2\ndedupe: 4\n"], YAML), readers.behaviour),
    "dvc.lock": Parser(".lock", _bytes(lambda: [LOCK], YAML), readers.lock),
    "reviews.csv": Parser(".csv", _csv(REVIEWS), readers.reviews, 300),
    "metadata.csv": Parser(".csv", _csv(METADATA), readers.metadata),
    "metadata.jsonl": Parser(".jsonl", _json(readers.records(METADATA), lines=True), readers.metadata),
    "metadata.parquet": Parser(".parquet", lambda random: parquet_of(METADATA, random), readers.metadata, 200),
    "Label Studio": Parser(".json", _json(EXPORT), readers.label_studio, 200),
    "Label Studio JSON-MIN": Parser(".json", _json(JSON_MIN), readers.label_studio, 200),
    "CVAT": Parser(".xml", _bytes(lambda: [CVAT], XML), readers.cvat, 200),
    "picks.csv": Parser(".csv", _csv(PICKS), readers.picks, 200),
    "picks.json": Parser(".json", _json(readers.records(PICKS)), readers.picks, 200),
    "checkpoint header": Parser(".safetensors", header_bytes, readers.header),
    "checkpoint weights": Parser(".safetensors", weights_bytes, readers.weights, 200),
    "weights.pth": Parser(".pth", _bytes(readers.torch_files), readers.foreign, 100),
    "image": Parser("", _picture, readers.picture, 100),
    "table": Parser(".parquet", _bytes(readers.table_files), readers.table, 100),
    "journal of moves": Parser(".jsonl", _json(journal(), lines=True), readers.journal),
    "transaction": Parser(".json", _json(TRANSACTION), readers.transaction),
    "append-only log": Parser(".jsonl", _json([{"a": 1, "b": ["c"]}, {"a": None}], lines=True), readers.log),
    "benchmark_renewals.csv": Parser(".csv", _csv(RENEWALS), readers.renewals),
    "calibration.json": Parser(".json", _json(readers.calibration_sample()), readers.calibration_file),
    "audits.json": Parser(".json", _json(readers.audits_sample()), readers.audits),
    "request to the App": Parser(".json", _json(REQUEST), readers.request, refusals=(CurationError, BodyError)),
}
