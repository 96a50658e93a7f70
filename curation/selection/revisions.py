"""The tables of a round as they are, or as they were at any git revision (from DVC's cache or remote).

DVC is imported only where a revision is asked for: it takes a second, and stages never call it.
"""

import io
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from curation import params, tables
from curation.errors import CurationError
from curation.selection.split_check import Round
from curation.tables import Table

DATA = Path("data")
WANTED = [tables.IMAGES, tables.DUPLICATES, tables.SELECTION, tables.SPLITS]
NEEDED = {"images": ["image_id", "path"], "duplicates": ["image_id", "keeper", "leak_group"]}


class RevisionError(CurationError):
    """A git revision, or a table of it, that can't be read."""


def here(lineage: Mapping[str, str]) -> Round:
    """The round in the working tree; `lineage` is that of its base model, which a room above reads."""
    images, duplicates, selection, splits = (tables.stored(table, NEEDED.get(table.name)) for table in WANTED)
    return Round(images, duplicates, selection, splits, params.load(), lineage)


def at(revision: str, lineage: Mapping[str, str]) -> Round:
    """The round that git revision `revision` records; RevisionError where git or the cache does not have it."""
    images, duplicates, selection, splits = (_table(revision, table) for table in WANTED)
    return Round(images, duplicates, selection, splits, params_at(revision), lineage)


def params_at(revision: str) -> params.Params:
    """params.yaml of a revision, checked as today's is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_bytes(read_at(revision, Path("params.yaml")))
        return params.load(path)


def read_at(revision: str, path: Path) -> bytes:
    """The bytes of a file of a revision, whether git or DVC keeps it."""
    import dvc.api
    from dvc.exceptions import DvcException
    from dvc.scm import RevError
    from scmrepo.exceptions import SCMError

    try:
        return bytes(dvc.api.read(path.as_posix(), rev=revision, mode="rb"))
    except (RevError, SCMError):
        raise RevisionError(f"git knows no revision `{revision}`: give a commit, branch or tag (`git log`)") from None
    except (DvcException, OSError) as error:
        raise RevisionError(
            f"{path} of revision `{revision}` can't be read ({str(error).splitlines()[0]}). If it was never pushed and "
            f"the cache was cleared, it is gone; else try `git checkout {revision} && dvc pull {path}`"
        ) from None


def _table(revision: str, table: Table) -> pd.DataFrame:
    import pyarrow.parquet as pq

    raw = read_at(revision, DATA / f"{table.name}.parquet")
    wanted = NEEDED.get(table.name) or table.columns
    missing = set(wanted) - set(pq.read_schema(io.BytesIO(raw)).names)
    if missing:
        raise RevisionError(f"{table.name} of revision `{revision}` has no column {min(missing)}: it is too old")
    frame: pd.DataFrame = pq.read_table(io.BytesIO(raw), columns=wanted).to_pandas()
    return frame
