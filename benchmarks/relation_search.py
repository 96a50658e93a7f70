"""One kind of benchmarks/relations.py: its files and pairs, the search of its folder, and what came of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from relation_peers import Peers, share

from curation.dedupe.candidates import candidates
from curation.dedupe.descriptors.described_images import Resources
from curation.dedupe.descriptors.descriptor_pairs import descriptor_pairs
from curation.dedupe.image_arrays import from_frame
from curation.dedupe.near_duplicates import find
from curation.dedupe.verification.file_pixels import ImageFiles
from curation.params.blocks import Dedupe

HEADER = ["kind", "pairs", "candidate", "copy", "one leak group"]


@dataclass(frozen=True)
class Case:
    """One kind: its files, and the pairs that are judged; `alone` where no two of the files are copies."""

    kind: str
    files: list[str]
    pairs: list[tuple[str, str]]
    alone: bool = False


@dataclass(frozen=True)
class Verdict:
    """Of one kind: for each pair whether it is proposed, a copy, in one leak group, and what the peers say; removed."""

    case: Case
    proposed: list[bool]
    copies: list[bool]
    together: list[bool]
    peers: list[list[bool]]
    removed: int

    def shares(self) -> list[float | None]:
        """Which share is proposed, a copy, in one leak group."""
        return [share(one) for one in (self.proposed, self.copies, self.together)]

    def row(self, *more: object) -> list[object]:
        """A row of the table."""
        shares = self.shares()
        said = [share(list(one)) for one in zip(*self.peers, strict=True)]
        return [self.case.kind, len(self.case.pairs), *shares, *more, *said]


@dataclass(frozen=True)
class Search:
    """What a kind's folder is searched with; a descriptor's vectors are kept in a folder."""

    params: Dedupe
    resources: Resources
    peers: Peers | None

    def judge(self, case: Case, images: pd.DataFrame, folder: Path) -> Verdict:
        """Search one kind's folder for candidates and for copies, and ask the peers."""
        frame = images.loc[[name for name in case.files if name in images.index]].reset_index()
        pictures, files = from_frame(frame), ImageFiles(folder)
        path = dict(zip(frame["image_id"], frame["path"], strict=True))
        paths = pictures.facts["image_id"].map(path).to_numpy()
        described = descriptor_pairs(pictures, self.params, files, self.resources)
        proposed = set() if described is None else _named(paths, described.rows)
        with ThreadPoolExecutor(2) as threads:
            for batch in candidates(pictures, self.params, threads, 2):
                proposed |= _named(paths, batch)
        table = find(pictures, self.params, files, resources=self.resources)[0]
        table = table.set_index("image_id").rename(index=path)
        keeper, group = table["keeper"].to_dict(), table["leak_group"].to_dict()
        pairs = [pair for pair in case.pairs if set(pair) <= keeper.keys()]
        return Verdict(
            case,
            [frozenset(pair) in proposed for pair in pairs],
            [keeper[one] == keeper[other] for one, other in pairs],
            [group[one] == group[other] for one, other in pairs],
            [self.peers.say(folder / one, folder / other) for one, other in pairs] if self.peers else [],
            int((table["keeper"].map(path) != table.index).sum()) if case.alone else 0,
        )


def _named(paths: NDArray[np.object_], pairs: NDArray[np.int32]) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in zip(paths[pairs[:, 0]], paths[pairs[:, 1]], strict=True)}
