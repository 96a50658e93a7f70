"""The verifier alone, on pairs of files: `python benchmarks/verification.py` (results/verification.md).

It is asked for each kind of edit whether an edited photograph is a copy, and for each kind of different pictures
whether the nearest of them are copies (they are not). benchmarks/relations.py measures the whole search; this page
measures its last step, with the time that it takes. A run with a seed that was never used is a held-back set.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from photographs import SHARED
from PIL import Image
from relation_drawn import DRAWN
from relation_faint import FAINT
from relation_kinds import EASY, HARD, OVERLAYS, save, suffix
from relation_scenes import APART, SAME_SCENE, Materials, objects_of
from relations import photographs
from tables import Table, write_page

from curation.dedupe.verification.compare_pictures import compare
from curation.dedupe.verification.compared_picture import SIDE, ComparedPicture
from curation.dedupe.verification.file_pixels import ImageFiles
from curation.engine import mapping
from curation.tables.codes import Relation

NEAREST = 24  # pairs of a kind, those whose small pictures differ least
ROUNDS = 3  # grounds or templates of a kind


class Asked(NamedTuple):
    """A pair of files of one kind."""

    kind: str
    one: str
    other: str


class Answer(NamedTuple):
    """What the verifier said; milliseconds of reading both files, and of comparing them."""

    relation: str
    reading: float
    comparing: float


def answer(asked: Asked) -> Answer:
    """Read and compare a pair in a worker process."""
    started = time.process_time()
    one, other = _picture(asked.one), _picture(asked.other)
    read = time.process_time()
    verdict = compare(one, other)
    return Answer(str(verdict.relation.value), 1000 * (read - started), 1000 * (time.process_time() - read))


def _picture(path: str) -> ComparedPicture:
    pixels = ImageFiles().read(path, SIDE)
    with Image.open(path) as image:
        side = max(image.size)
    return ComparedPicture(lambda size: pixels if size <= SIDE else ImageFiles().read(path, size), side)


def edited(folder: Path, images: list[Image.Image], seed: int) -> Iterator[Asked]:
    """Write photographs and their edits."""
    for number, image in enumerate(images):
        image.save(folder / f"original-{number}.png")
    for code, (kind, edit) in enumerate((EASY | HARD | OVERLAYS).items()):
        random = np.random.default_rng((seed, 1, code))
        for number, image in enumerate(images):
            path = folder / f"edit-{code}-{number}{suffix(kind)}"
            save(edit(image, random), str(path), random)
            yield Asked(kind, str(folder / f"original-{number}.png"), str(path))


def different(folder: Path, materials: Materials, seed: int) -> Iterator[Asked]:
    """Write the kinds of different pictures; give the nearest pairs of each, and all pairs of the faint ones."""
    for code, (kind, make) in enumerate((SAME_SCENE | APART | DRAWN).items()):
        random = np.random.default_rng((seed, 2, code))
        for turn in range(1 if kind == "other photographs" else ROUNDS):
            made = make(materials, random)
            names = [str(folder / f"other-{code}-{turn}-{number}.jpg") for number in range(len(made))]
            for name, image in zip(names, made, strict=True):
                save(image, name, random)
            yield from (Asked(kind, names[i], names[j]) for i, j in nearest(made, NEAREST // ROUNDS))
    for code, (kind, faint) in enumerate(FAINT.items()):
        random = np.random.default_rng((seed, 3, code))
        for number in range(NEAREST):
            names = [str(folder / f"faint-{code}-{number}-{side}.jpg") for side in "ab"]
            for name, image in zip(names, faint(materials, random), strict=True):
                save(image, name, random)
            yield Asked(kind, *names)


def nearest(images: list[Image.Image], number: int) -> list[tuple[int, int]]:
    """The pairs whose pictures of 24 x 24 pixels differ least."""
    small = np.stack([np.asarray(image.convert("RGB").resize((24, 24)), np.float32).ravel() for image in images])
    apart = np.square(small[:, None] - small[None]).mean(-1) + np.where(np.tri(len(small), dtype=bool), np.inf, 0)
    best = np.argsort(apart, axis=None, kind="stable")[:number]
    pairs = zip(*np.unravel_index(best, apart.shape), strict=True)
    return [(int(i), int(j)) for i, j in pairs if np.isfinite(apart[i, j])]


def main() -> None:
    """Write the pictures, compare every pair, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=30)
    parser.add_argument("--photos-in", type=Path, nargs="*", default=[], help="folders of further photographs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, default=SHARED, help="usr/share of Debian's packages")
    options = parser.parse_args()
    images = photographs(options)
    materials = Materials(images, objects_of(options.real, images, np.random.default_rng((options.seed, 4))))
    with tempfile.TemporaryDirectory() as place:
        copies = list(edited(Path(place), images, options.seed))
        others = list(different(Path(place), materials, options.seed))
        said = list(mapping.run(answer, [*copies, *others], chunk=8))
    pages(
        list(zip(copies, said[: len(copies)], strict=True)),
        list(zip(others, said[len(copies) :], strict=True)),
        options,
    )


def pages(copies: list[tuple[Asked, Answer]], others: list[tuple[Asked, Answer]], options: argparse.Namespace) -> None:
    """Write the page."""

    def share(of: list[tuple[Asked, Answer]], kinds: object, relation: Relation) -> float:
        return float(np.mean([said.relation == relation for asked, said in of if asked.kind in kinds]))  # type: ignore[operator]

    wrong = sum(said.relation == Relation.COPY for _, said in others)
    times = [said.comparing for asked, said in copies if asked.kind in ("JPEG quality 30", "half the size")]
    every = [said for _, said in copies + others]
    figures: list[list[object]] = [
        ["copies found, easy kinds", share(copies, EASY, Relation.COPY), ">= 0.95"],
        ["copies found, all kinds", share(copies, EASY | HARD, Relation.COPY), ">= 0.85"],
        ["overlays called copies", share(copies, OVERLAYS, Relation.COPY), "0"],
        ["overlays called same scene", share(copies, OVERLAYS, Relation.SAME_SCENE), ""],
        ["different pairs called copies", f"{wrong} of {len(others)}", "<= 1 in 500"],
        ["ms to compare, unmoved in unchanged light, median", float(np.median(times)), ""],
        ["ms to compare, all pairs, median", float(np.median([one.comparing for one in every])), ""],
        ["ms to compare, all pairs, mean", float(np.mean([one.comparing for one in every])), ""],
        ["ms to read two files, median", float(np.median([one.reading for one in every])), ""],
    ]  # fmt: skip
    by_kind: list[list[object]] = [
        [kind, share(copies, (kind,), Relation.COPY), share(copies, (kind,), Relation.SAME_SCENE)]
        for kind in EASY | HARD | OVERLAYS
    ]
    apart: list[list[object]] = []
    for kind in SAME_SCENE | APART | DRAWN | FAINT:
        found = [said.relation for asked, said in others if asked.kind == kind]
        apart.append([kind, len(found), found.count(Relation.COPY), found.count(Relation.SAME_SCENE)])
    photos = len({asked.one for asked, _ in copies})
    about = f"{photos} photographs, seed {options.seed}; processor time. `python benchmarks/verification.py`"
    tables = [
        Table(["what", "share or number", "asked for"], figures),
        Table(["edit", "copy", "same scene"], by_kind, "Edits of photographs; the last five kinds are overlays"),
        Table(["kind", "pairs", "copy", "same scene"], apart, "Different pictures: the nearest pairs of each kind"),
    ]
    write_page("verification", "The verifier on pairs of files", about, tables)


if __name__ == "__main__":
    main()
