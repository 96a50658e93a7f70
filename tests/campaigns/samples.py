"""Good inputs that the fuzzer starts from: what people, tools and this product itself write."""

import io
import json
import struct
from functools import cache
from random import Random
from typing import Any

from factories.tables import image_id

from campaigns.mutations import havoc, json_of, odd
from curation.decisions.order import REVIEW_COLUMNS
from curation.selection.renewal.benchmark_renewals import COLUMNS as RENEWAL_COLUMNS

IMAGE_IDS = [image_id(number) for number in range(4)]
NOON = "2026-11-27T12:00:00+00:00"
LOCK = f"""\
schema: '2.0'
stages:
  ingest:
    cmd: python -m stages.ingest
    deps:
    - path: data/raw
      hash: md5
      md5: {IMAGE_IDS[0]}.dir
      size: 10
      nfiles: 2
    params:
      params.yaml:
        ingest.background: white
    outs:
    - path: data/images.parquet
      hash: md5
      md5: {IMAGE_IDS[1]}
      size: 10
""".encode()
REVIEWS = [
    REVIEW_COLUMNS,
    *(
        [one, decision, label, "", "ann", NOON, "c0ffee", 'a "note", long']
        for one, decision, label in [
            (IMAGE_IDS[0], "relabel", "cat"),
            (IMAGE_IDS[1], "keep", ""),
            (IMAGE_IDS[2], "turn:90", ""),
            (IMAGE_IDS[0], "benchmark:hard", ""),
            (IMAGE_IDS[3], f"copy:{IMAGE_IDS[0]}", ""),
            (IMAGE_IDS[1], "sampled:uniform", ""),
        ]
    ),
]
FILES = ["a.jpg", "cats/b é.png", "c.jpg"]
METADATA = [
    ["file_name", "label", "subclass", "origin", "group", "captured_at", "source", "licence", "annotator", "site"],
    [FILES[0], "cat", "tabby", "real", "g1", NOON, "shop", "CC0", "ann", "north"],
    [FILES[1], "", "", "staged", "g2", "2026:11:27 12:00:00", "", "", "", ""],
    [FILES[2], "dog", "", "", "7", "2026", "", "MIT", "bob", "0.5"],
]
PICKS = [["image_id", "label", "path"], *([one, "cat", f"data/unlabelled/{one}.png"] for one in IMAGE_IDS)]
RENEWALS = [
    RENEWAL_COLUMNS,
    *(["1", one, split, NOON, "ann"] for one, split in zip(IMAGE_IDS, ["test", "benchmark"] * 2, strict=True)),
]


def _annotation(number: int, label: str) -> dict[str, Any]:
    result = {"from_name": "label", "to_name": "image", "type": "choices", "value": {"choices": [label]}}
    return {"id": number, "completed_by": {"id": 1, "email": "ann@example.org"}, "was_cancelled": False,
            "created_at": NOON, "updated_at": NOON, "result": [result]}  # fmt: skip


EXPORT = [
    {"id": at, "data": {"image": "/data/x", "image_id": one, "path": f"data/unlabelled/{one}.png"},
     "annotations": [_annotation(at, "cat"), _annotation(at + 9, "dog")], "predictions": []}
    for at, one in enumerate(IMAGE_IDS)
]  # fmt: skip
JSON_MIN = [
    {"id": at, "image": "/data/x", "image_id": one, "path": "p", "label": "cat", "annotator": 1, "annotation_id": at,
     "created_at": NOON, "updated_at": NOON, "lead_time": 1.5}
    for at, one in enumerate(IMAGE_IDS)
]  # fmt: skip
CVAT = (
    "<?xml version='1.0' encoding='utf-8'?>\n<annotations><version>1.1</version>\n"
    + "\n".join(
        f'<image id="{at}" name="data/unlabelled/{one}.png" width="9" height="9">'
        f'<tag label="cat" source="{who}"></tag></image>'
        for at, (one, who) in enumerate(zip(IMAGE_IDS, ["auto", "manual", "file", "manual"], strict=True))
    )
    + "\n</annotations>\n"
).encode()
REQUEST = {
    "dataset": "photos", "datasetId": "1",
    "view": [{"_cls": "fiftyone.core.stages.Match", "kwargs": [["filter", {"a": 1}]]}],
    "query": "query A($x: Int) { dataset(name: $x) { id } }", "variables": {"x": 1}, "filters": {"tags": ["a"]},
}  # fmt: skip
FACTS = {
    "format": 1, "arch": "resnet18", "classes": ["ant", "bée"], "image_size": 32, "mean": [0.1, 0.2, 0.3],
    "std": [1.0, 1.0, 0.5], "stem": "standard", "params": {"lr": 0.1}, "dataset": "abc",
    "parent": "", "throwaway": False,
    "metrics": {"val_accuracy": 0.5}, "lineage": {"train": "AAAAAAAAAAAAAAAAAAAAAA=="}, "groups": {"test": ",g1,g2"},
    "pixels": {"kind": "jpeg", "size": 40},
}  # fmt: skip


@cache
def calibration() -> Any:
    """A calibration with all of its parts, as `evaluate` writes it."""
    import numpy as np

    from curation.predict.calibration import Calibration
    from curation.predict.ood import Answered, Reference

    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 60)
    fitted = Calibration.fit(draw.normal(size=(60, 2)) + np.eye(2)[labels], labels, classes=("blue", "red"))
    vectors = draw.normal(size=(60, 4)).astype(np.float32)
    reference = Reference.fit(vectors, labels, vectors[:10]).as_dict()
    answered = Answered((0, 1), (0.5, 0.9), (0.1, 0.2))
    return fitted, reference, answered


def header_bytes(random: Random) -> bytes:
    """A safetensors file whose facts were changed; one in four is changed as bytes."""
    facts = json_of(FACTS, random).decode("utf-8", "replace")
    outer = {"__metadata__": {"curation": facts}, "w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    text = json_of(outer, random) if random.random() < 0.2 else json.dumps(outer).encode()
    length = len(text) if random.random() < 0.95 else random.choice((0, 7, 2**31, 2**63, 99_999_999))
    data = struct.pack("<Q", length) + text + bytes(4)
    return havoc(data, random) if random.random() < 0.25 else data


def weights_bytes(random: Random) -> bytes:
    """A checkpoint with right facts, whose list of tensors or whose tensors were changed."""
    outer: Any = {"__metadata__": {"curation": json.dumps(FACTS)}}
    tensors = {"fc.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
               "fc.bias": {"dtype": "F16", "shape": [2], "data_offsets": [16, 20]}}  # fmt: skip
    text = json_of(outer | tensors, random) if random.random() < 0.6 else json.dumps(outer | tensors).encode()
    data = struct.pack("<Q", len(text)) + text + random.choice((bytes(20), b"\xff" * 20, random.randbytes(20)))
    return havoc(data, random) if random.random() < 0.5 else data


def parquet_of(rows: list[list[str]], random: Random) -> bytes:
    """A table of Parquet with columns of odd types and names; one in three is changed as bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))
    for _ in range(random.randrange(1, 4)):
        name = random.choice(list(columns))
        size = len(rows) - 1
        columns[name] = random.choice(
            ([odd(random)] * size, [None] * size, [1.5, None, 2.0], [1, 2, 3], [b"\xff"] * size, [["a"], [], None],
             [{"a": 1}, None, {"a": 2}], [True, False, None], [odd(random) for _ in range(size)])
        )  # fmt: skip
        if random.random() < 0.3:
            columns[str(odd(random)).encode("utf-8", "replace").decode()] = columns.pop(name)
    made = {}
    for name, cells in columns.items():
        try:
            made[name] = pa.array(cells)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
            made[name] = pa.array([str(cell).encode("utf-8", "replace").decode() for cell in cells])
    sink = io.BytesIO()
    try:
        pq.write_table(pa.table(made), sink)
    except pa.ArrowNotImplementedError:  # what Parquet can't hold, such as an object without keys
        return parquet_of(rows, random)
    return havoc(sink.getvalue(), random) if random.random() < 1 / 3 else sink.getvalue()


def journal() -> list[dict[str, Any]]:
    """A journal of moves: what `curate purge` writes."""
    line = {"sheet": "data/unlabelled/metadata.csv", "cells": {"file_name": "a.jpg", "site": "x"}, "at": 1}
    move = {"home": "data/unlabelled/a.jpg", "away": "trash/1/files/a.jpg", "image_id": IMAGE_IDS[0],
            "facts": {"label": "cat", "confidence": 0.5}, "home_line": line, "away_line": None}  # fmt: skip
    return [{"state": state, **move} for state in ("going", "away")]


TRANSACTION = {
    "command": "promote",
    "steps": [
        {"do": "append", "path": "models/versions.jsonl", "at": 9, "text": "{}\n"},
        {"do": "write", "path": "a", "draft": ".a.new", "aside": ".a.old", "old": "", "new": "0f"},
        {"do": "move", "path": "data/unlabelled/a.jpg", "to": "data/raw/cat/a.jpg"},
        {"do": "delete", "path": "b", "aside": ".b.old"},
    ],
    "then": {"message": "Promote", "paths": ["params.yaml"], "tags": [["classifier@v1.0.0", "HEAD"]]},
}
