"""The tables that pass between the stages: their schemas, and the names that a class may have."""

from curation.tables.schemas import (
    ALL,
    CROSS_TRAINED,
    DUPLICATES,
    ERRORS,
    IDENTIFIED,
    IMAGES,
    PREDICTIONS,
    SELECTION,
    SPLITS,
    TEXT,
    Table,
    TableError,
)
from curation.tables.table_files import read, write, write_batches

__all__ = [
    "ALL",
    "CROSS_TRAINED",
    "DUPLICATES",
    "ERRORS",
    "IDENTIFIED",
    "IMAGES",
    "PREDICTIONS",
    "SELECTION",
    "SPLITS",
    "TEXT",
    "Table",
    "TableError",
    "read",
    "write",
    "write_batches",
]
