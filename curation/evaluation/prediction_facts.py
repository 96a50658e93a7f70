"""Predictions as compact arrays for the metrics: about forty bytes an image, for any number of classes.

The table is read in blocks, and texts become integer codes on the way, so two million images fit in 100 MB.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curation.tables import PREDICTIONS, TableError

TEXT_COLUMNS = ["split", "benchmark_set", "label", "subclass", "predicted", "base_predicted"]
REAL_COLUMNS = ["confidence", "loss", "energy"]


@dataclass(frozen=True)
class Facts:
    """Arrays of one length: codes into `names[...]` for texts, float32 for numbers, `top` for a label in the top 5."""

    names: Mapping[str, list[str]]
    split: NDArray[np.int32]
    benchmark_set: NDArray[np.int32]
    label: NDArray[np.int32]  # into names["class"], -1: not a class of the model
    subclass: NDArray[np.int32]
    predicted: NDArray[np.int32]  # into names["class"]
    base_predicted: NDArray[
        np.int32
    ]  # into names["class"], -1: no prediction, or a class that the candidate does not have
    base_answered: NDArray[np.bool_]
    base_right: NDArray[np.bool_]
    confidence: NDArray[np.float32]
    loss: NDArray[np.float32]
    energy: NDArray[np.float32]
    top: NDArray[np.bool_]
    group: NDArray[np.int64]  # leak groups; an image without one is a group by itself

    @property
    def classes(self) -> list[str]:
        """The classes of the model."""
        return self.names["class"]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Bool [n]: whether the prediction is the label."""
        return np.asarray(self.label == self.predicted)

    def __len__(self) -> int:
        return len(self.label)

    def where(self, mask: NDArray[np.bool_]) -> "Facts":
        """The images of a mask, bool [n]."""
        chosen = {item.name: getattr(self, item.name)[mask] for item in fields(self) if item.name != "names"}
        return Facts(self.names, **chosen)

    def in_split(self, split: str) -> NDArray[np.bool_]:
        """Mask of a split."""
        return self._is("split", split)

    def in_set(self, benchmark_set: str) -> NDArray[np.bool_]:
        """Mask of a benchmark set."""
        return self._is("benchmark_set", benchmark_set)

    def _is(self, column: str, value: str) -> NDArray[np.bool_]:
        names = self.names[column]
        code = names.index(value) if value in names else -1
        return np.asarray(getattr(self, column) == code) & (code >= 0)


def read_facts(path: Path, classes: list[str], leak_groups: "pd.Series[str] | None" = None) -> Facts:
    """Read the facts of a predictions table in blocks.

    - classes: those of the model
    - leak_groups: of every row, in the order of the table; "" or None for an image by itself
    """
    if not path.exists():
        raise TableError(path, PREDICTIONS, "the table does not exist")
    coder = _Coder(classes)
    parts = [coder.block(batch) for batch in _batches(path)]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else coder.nothing()
    return Facts(coder.names, **joined, group=group_codes(leak_groups, len(joined["label"])))


def group_codes(leak_groups: "pd.Series[str] | None", count: int) -> NDArray[np.int64]:
    """Code int [count] of each leak group; every image without one has a code of its own."""
    alone = np.arange(count, dtype=np.int64)
    if leak_groups is None:
        return alone
    known = pd.factorize(leak_groups.where(leak_groups != "", None))[0]
    return np.where(known >= 0, known, alone + count).astype(np.int64)


def groups_of(rows: pd.DataFrame) -> NDArray[np.int64]:
    """Code int [n] of the leak group of each row, as `group_codes` gives it; `leak_group` may be empty or missing."""
    return group_codes(rows["leak_group"].fillna("") if "leak_group" in rows else None, len(rows))


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path, read_dictionary=TEXT_COLUMNS) as file:
        yield from file.iter_batches(batch_size=65_536, columns=[*TEXT_COLUMNS, *REAL_COLUMNS, "top_labels"])


class _Coder:
    """Turns texts into codes. Names of splits, sets and sub-classes get their codes in the order in which they come."""

    def __init__(self, classes: list[str]) -> None:
        self.names: dict[str, list[str]] = {"split": [], "benchmark_set": [], "subclass": [], "class": list(classes)}

    def block(self, batch: pa.RecordBatch) -> dict[str, NDArray[Any]]:
        """The arrays of one block of rows."""
        out: dict[str, NDArray[Any]] = {}
        for column in ("split", "benchmark_set", "subclass"):
            out[column] = self._learn(batch.column(column), self.names[column])
        for column in ("label", "predicted"):
            out[column] = self._known(batch.column(column), self.names["class"])
        truth = batch.column("label").cast(pa.string())
        base = batch.column("base_predicted").cast(pa.string())
        out["base_predicted"] = self._known(base, self.names["class"])
        out["base_answered"] = _flags(pc.not_equal(base, ""))
        out["base_right"] = _flags(pc.equal(truth, base))
        out |= {name: batch.column(name).to_numpy(zero_copy_only=False) for name in REAL_COLUMNS}
        out["top"] = _in_top(truth, batch.column("top_labels"))
        return out

    def nothing(self) -> dict[str, NDArray[Any]]:
        """The arrays of a table without rows."""
        empty = pa.RecordBatch.from_pylist([], schema=PREDICTIONS.schema)
        return self.block(empty)

    def _learn(self, column: pa.Array, names: list[str]) -> NDArray[np.int32]:
        for value in column.cast(pa.string()).unique().to_pylist():
            if value not in names:
                names.append(value)
        return self._known(column, names)

    @staticmethod
    def _known(column: pa.Array, names: list[str]) -> NDArray[np.int32]:
        found = pc.index_in(column.cast(pa.string()), pa.array(names, pa.string()))
        return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int32)


def _in_top(truth: pa.Array, top: pa.ListArray) -> NDArray[np.bool_]:
    """Whether the truth is among the first five labels."""
    hit = np.zeros(len(truth), bool)
    parents = pc.list_parent_indices(top).to_numpy(zero_copy_only=False)
    same = _flags(pc.equal(top.flatten(), truth.take(pa.array(parents))))
    hit[parents[same]] = True
    return hit


def _flags(column: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(zero_copy_only=False), bool)
