"""What a stage wrote, in few values: a hash where it must be equal, numbers where it may differ in the last bits.

A table gives one value a column, so that a difference names the column. A column of floats becomes its mean, its
spread and a weighted sum (which sees two rows that change places); so do weights and embeddings. Pages and drawings
are hashed without their numbers.
"""

import base64
import json
import math
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from curation.params import Params
from curation.project.stage_graph import read_stages, written

Values = dict[str, str | list[float]]
# Stages whose numbers come from a network: other processors add in another order.
BY_A_NETWORK = {"backbone", "train", "evaluate", "identify", "report"}
# Relative differences that are let through. Measured between AVX-512, AVX2 and SSE4 kernels of torch, the norm of
# weights moves by 3e-9, losses by 1e-6; 0.04 less weight decay moves them by 4e-5 and 2e-3.
LOOSE, TIGHT, WEIGHTS = 1e-4, 1e-5, 1e-6
NUMBER = re.compile(r"\b[0-9a-f]{7,64}\b|-?\d+(\.\d+)?(e[+-]?\d+)?")
MD5S_OF_WEIGHTS = {"parent", "model", "base", "candidate", "digest"}
EMBEDDINGS = ("embedding", "probabilities")  # float16 in bytes


def fingerprint(stage: str, sandbox: Path) -> Values:
    """Everything that a stage wrote below `sandbox`, and the defaults of the parameters that it reads."""
    found: Values = {}
    outs = [out for out in written(read_stages(sandbox)[stage]) if (sandbox / out).exists()]
    for out in outs:
        paths = sorted((sandbox / out).rglob("*")) if (sandbox / out).is_dir() else [sandbox / out]
        for path in (one for one in paths if one.is_file()):
            name = path.relative_to(sandbox).as_posix()
            found |= {f"{name}: {key}" if key else name: value for key, value in of_file(path, stage)}
    defaults = [key for key in read_stages(sandbox)[stage].get("params", []) if isinstance(key, str)]
    return found | {f"default of {key}": text_hash(json.dumps(default(key), sort_keys=True)) for key in defaults}


def of_file(path: Path, stage: str) -> Iterator[tuple[str, str | list[float]]]:
    """Part by part, what one file holds."""
    if path.suffix == ".parquet":
        for name, column in pq.read_table(path).to_pandas().items():
            yield name, of_column(column, str(name))
    elif path.suffix == ".csv":
        for name, column in pd.read_csv(path, keep_default_na=False).items():
            yield name, of_column(column, str(name))
    elif path.suffix == ".json":
        yield from of_json(json.loads(path.read_text()))
    elif path.suffix == ".safetensors":
        yield from of_weights(path)
    elif path.suffix in {".html", ".svg"} or (path.suffix == ".txt" and stage in BY_A_NETWORK):
        yield "without numbers", text_hash(NUMBER.sub("#", path.read_text()))
    else:
        yield "", sha256(path.read_bytes()).hexdigest()[:16]


def of_column(column: pd.Series, name: str) -> str | list[float]:
    """One column of a table: numbers for floats, else a hash of all rows."""
    if name in EMBEDDINGS:
        return summary(np.frombuffer(b"".join(column), "<f2"))
    if column.dtype.kind == "f":
        return summary(column.to_numpy())
    rows = [row.tolist() if isinstance(row, np.ndarray) else row for row in column]
    if rows and isinstance(rows[0], list) and any(isinstance(value, float) for row in rows for value in row):
        return summary(np.array([value for row in rows for value in row]))
    return text_hash(repr(rows))


def of_json(values: Any, where: str = "") -> Iterator[tuple[str, str | list[float]]]:
    """The numbers of every part of a JSON file by its key, and all that is no float as one hash."""
    rest: dict[str, Any] = {}
    for key, value in values.items():
        place = f"{where}{key}"
        if isinstance(value, dict) and "base64" in value:
            array = np.frombuffer(base64.b64decode(value["base64"]), "<f4").astype(float)
            yield place, [float(np.linalg.norm(array)), *map(float, value["shape"])]
        elif isinstance(value, dict):
            yield from of_json(value, f"{place}.")
        elif isinstance(value, list) and value and all(isinstance(one, int | float) for one in value):
            yield place, summary(np.array(value, float))
        elif isinstance(value, float):
            yield place, [value]
        elif not (key in MD5S_OF_WEIGHTS and NUMBER.fullmatch(str(value))):
            rest[key] = value
    yield f"{where}*", text_hash(json.dumps(rest, sort_keys=True))


def of_weights(path: Path) -> Iterator[tuple[str, str | list[float]]]:
    """The weights of each part of a network, and the facts of its header without the MD5 of its parent."""
    from safetensors.numpy import load_file

    from curation.model.header import read_header

    parts: dict[str, list[np.ndarray]] = {}
    for name, tensor in sorted(load_file(path).items()):
        if "num_batches" not in name:
            parts.setdefault(name.partition(".")[0], []).append(tensor.ravel())
    for part, tensors in parts.items():
        together = np.concatenate(tensors).astype(float)
        yield f"weights of {part}", [float(np.linalg.norm(together)), float(len(together))]
    header = read_header(path)
    yield "header", text_hash(repr((header.arch, header.classes, header.image_size, header.stem, header.lineage)))


def summary(values: np.ndarray) -> list[float]:
    """Count of numbers, mean, spread, and a sum whose weights tell the places apart."""
    finite = values[np.isfinite(values)].astype(float)
    if not len(finite):
        return [0.0]
    weighted = float((finite * np.cos(np.arange(len(finite)))).sum() / math.sqrt(len(finite)))
    return [float(len(finite)), float(finite.mean()), float(finite.std()), weighted]


def default(key: str) -> Any:
    """The default of `train` or `ingest.background`, as the library has it."""
    value = Params().model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    return value


def text_hash(text: str) -> str:
    """Name a text."""
    return sha256(text.encode()).hexdigest()[:16]


def differences(stage: str, golden: Values, found: Values) -> list[str]:
    """Name the parts that differ by more than what another processor explains."""
    usual = LOOSE if stage in BY_A_NETWORK else TIGHT
    named = []
    for key in sorted({*golden, *found}):
        old, new = golden.get(key), found.get(key)
        tolerance = WEIGHTS if ": weights of " in key else usual
        if key.startswith("default of ") and None in (old, new):
            continue  # a parameter that dvc.yaml lists since, or no more: DVC sees that itself
        if old is None or new is None:
            named.append(f"{key} {'is new' if old is None else 'is gone'}")
        elif isinstance(old, str) or isinstance(new, str) or len(old) != len(new):
            named += [key] if old != new else []
        elif not np.allclose(new, old, rtol=tolerance, atol=tolerance):
            named.append(f"{key}: {rounded(old)} -> {rounded(new)}")
    return named


def rounded(values: list[float]) -> str:
    """Numbers for a message."""
    return "[" + ", ".join(f"{value:.6g}" for value in values) + "]"
