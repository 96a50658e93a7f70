"""Copies, scenes and different pictures, told apart by kind: `python benchmarks/relations.py` (results/relations.md).

Three groups of pairs (the kinds stand in relation_kinds.py, relation_scenes.py and relation_drawn.py):

- Copies: a photograph and an edit of it. Each kind of edit is judged in a folder of its own, with all photographs.
- Overlays: a photograph with an opaque mark. The right answer is the same scene.
- Different: the pictures of a kind that look alike; none may be removed. The nearest pairs (by their thumbnails) are
  judged too, because copies are searched among them.

The photographs are those of Debian packages (`--real`) and of the folders that `--photos-in` names; `--photos N` takes
only so many, for a quick trial. Every run cuts its photographs, edits and kinds anew from `--seed`. So a run with a
seed that was never used is a held-back set.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import relation_scenes
from photographs import SHARED, photograph, real, sources
from PIL import Image
from relation_drawn import DRAWN
from relation_kinds import EASY, HARD, OVERLAYS, save, suffix
from relation_peers import Peers, share
from relation_scenes import APART, SAME_SCENE, Materials, objects_of
from relation_search import HEADER, Case, Search, Verdict
from tables import Table, write_page

from curation.dedupe.descriptors.described_images import EVERY_CORE, Resources
from curation.images.image_measures import thumbnails
from curation.images.ingest import ingest_folder
from curation.params import Params

SIDE = 640  # pixels of the longer side of a photograph
NEAREST = 40  # different pairs of a kind


def photographs(options: argparse.Namespace) -> list[Image.Image]:
    """New cuts of real photographs, in a random order; made ones where there are none."""
    random = np.random.default_rng((options.seed, 0))
    found = [image for kind in real(options.real).values() for image in kind]
    for folder in options.photos_in:
        for file in sorted(folder.iterdir()):
            with Image.open(file) as image:
                found.append(image.convert("RGB"))
    if not found:
        print(f"no photographs below {options.real}: they are made")
        originals = sources()
        found = [photograph(originals, options.seed * 1000 + number) for number in range(options.photos or 60)]
    chosen = [found[k] for k in random.permutation(len(found))[: options.photos or None]]
    return [_cut(image, random) for image in chosen]


def _cut(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """A window of 75 to 100% of both sides, perhaps mirrored."""
    share_of = random.uniform(0.75, 1)
    sides = [round(side * share_of) for side in image.size]
    left, top = (int(random.integers(0, a - b + 1)) for a, b in zip(image.size, sides, strict=True))
    image = image.crop((left, top, left + sides[0], top + sides[1]))
    image.thumbnail((SIDE, SIDE))
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else image


def write_copies(folder: Path, images: list[Image.Image], seed: int) -> dict[str, Case]:
    """Write the photographs and their edits."""
    cases = {}
    originals = [f"original-{number:03}.png" for number in range(len(images))]
    for name, image in zip(originals, images, strict=True):
        image.save(folder / name)
    for code, (kind, edit) in enumerate((EASY | HARD | OVERLAYS).items()):
        random = np.random.default_rng((seed, 1, code))
        names = [f"edit{code:02}-{number:03}{suffix(kind)}" for number in range(len(images))]
        for name, image in zip(names, images, strict=True):
            save(edit(image, random), str(folder / name), random)
        cases[kind] = Case(kind, [*originals, *names], list(zip(originals, names, strict=True)))
    return cases


def write_different(folder: Path, materials: Materials, seed: int, rounds: int) -> dict[str, list[list[str]]]:
    """Write the kinds of different pictures, each in several rounds; the names by kind and round."""
    written: dict[str, list[list[str]]] = {}
    for code, (kind, make) in enumerate((SAME_SCENE | APART | DRAWN).items()):
        random = np.random.default_rng((seed, 2, code))
        written[kind] = []
        for turn in range(1 if make is relation_scenes.other_photographs else rounds):
            names = []
            for number, image in enumerate(make(materials, random)):
                names.append(f"other{code:02}-{turn}-{number:03}.jpg")
                save(image, str(folder / names[-1]), random)
            written[kind].append(names)
    return written


def nearest(images: pd.DataFrame, rounds: list[list[str]], *, within: bool) -> list[tuple[str, str]]:
    """The pairs of a kind whose thumbnails agree most. within: only pairs of one round, which show one scene."""
    names = [name for one in rounds for name in one if name in images.index]
    turn = np.array([number for number, one in enumerate(rounds) for name in one if name in images.index])
    cells = thumbnails(images.loc[names]).reshape(len(names), -1).astype(np.float32)
    cells -= cells.mean(axis=1, keepdims=True)
    cells /= np.linalg.norm(cells, axis=1, keepdims=True) + 30
    agree = np.triu(cells @ cells.T, 1) - 2 * np.tri(len(names))
    if within:
        agree[turn[:, None] != turn[None, :]] = -2
    best = np.argsort(-agree, axis=None, kind="stable")[: NEAREST * (len(rounds) if within else 1)]
    rows = zip(*np.unravel_index(best, agree.shape), strict=True)
    return [(names[i], names[j]) for i, j in rows if agree[i, j] > -2]


def summary(found: dict[str, Verdict]) -> list[list[object]]:
    """The figures that are judged, beside what is asked for."""

    def mean(kinds: Iterable[str], part: Callable[[Verdict], list[bool]]) -> float | None:
        return share([one for kind in kinds if kind in found for one in part(found[kind])])

    different = [one for one in found.values() if one.case.alone]
    pairs = [copy for one in different for copy in one.copies]
    total, removed = sum(len(one.case.files) for one in different), sum(one.removed for one in different)
    return [
        ["candidates: edits proposed", mean(EASY | HARD, lambda one: one.proposed), ">= 0.97"],
        ["copies found, easy kinds", mean(EASY, lambda one: one.copies), ">= 0.95"],
        ["copies found, all kinds", mean(EASY | HARD, lambda one: one.copies), ">= 0.85"],
        ["copies and overlays in one leak group", mean(EASY | HARD | OVERLAYS, lambda one: one.together), ">= 0.98"],
        ["overlays called copies", mean(OVERLAYS, lambda one: one.copies), "0"],
        ["different pictures removed", f"{removed} of {total}", "<= 1 in 1,000"],
        ["nearest different pairs called copies", f"{sum(pairs)} of {len(pairs)}", "<= 1 in 500"],
        ["pairs of one scene in one leak group", mean(SAME_SCENE, lambda one: one.together), ">= 0.90"],
    ]


def judged(search: Search, cases: list[Case], images: pd.DataFrame, folder: Path) -> dict[str, Verdict]:
    """Judge kind after kind, and print what came of each."""
    found = {}
    for case in cases:
        found[case.kind] = search.judge(case, images, folder)
        print(*found[case.kind].row(), sep=" | ", flush=True)
    return found


def gain(found: dict[str, Verdict], described: dict[str, Verdict]) -> Table:
    """The same figures where a descriptor proposes pairs as well; then the kinds that it changes."""
    rows = [
        [name, before, after]
        for (name, before, _), (_, after, _) in zip(summary(found), summary(described), strict=True)
    ]
    for kind, one in found.items():
        names = zip(HEADER[2:], one.shares(), described[kind].shares(), strict=True)
        rows += [[f"{kind}: {name}", before, after] for name, before, after in names if before != after]
    return Table(["what", "without", "with dedupe.descriptor"], rows, "What SSCD adds as `dedupe.descriptor`")


def main() -> None:
    """Write the pictures, judge every kind, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=0, help="photographs taken; 0 is all")
    parser.add_argument("--photos-in", type=Path, nargs="*", default=[], help="folders of further photographs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=4, help="grounds or templates of each kind; 0: edits only")
    parser.add_argument("--keep", action="store_true", help="write the page, also of a part")
    parser.add_argument("--kinds", default="", help="only kinds that contain this text")
    parser.add_argument("--real", type=Path, default=SHARED, help="usr/share of Debian's packages")
    parser.add_argument("--sscd", type=Path, help="an ONNX file of the descriptor SSCD")
    options = parser.parse_args()
    started, images = time.perf_counter(), photographs(options)
    peers = Peers(options.sscd)
    half = images[: max(len(images) // 2, 4)]
    random = np.random.default_rng((options.seed, 3))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cases = write_copies(folder, images, options.seed)
        materials = Materials(half, objects_of(options.real, half, random))
        written = write_different(folder, materials, options.seed, options.rounds) if options.rounds else {}
        measured = ingest_folder(folder, Params()).set_index("path")
        for kind, rounds in written.items():
            pairs = nearest(measured, rounds, within=kind in SAME_SCENE)
            cases[kind] = Case(kind, [name for one in rounds for name in one], pairs, alone=True)
        wanted = [case for kind, case in cases.items() if options.kinds in kind]
        search = Search(Params().dedupe, EVERY_CORE, peers)
        found = judged(search, wanted, measured, folder)
        described = {}
        if options.sscd:
            with_it = Params().dedupe.model_copy(update={"descriptor": str(options.sscd.resolve())})
            search = Search(with_it, Resources(0, folder / "descriptors"), None)
            described = judged(search, wanted, measured, folder)
    copies = [found[kind].row() for kind in EASY | HARD | OVERLAYS if kind in found]
    others = [one.row(one.removed, len(one.case.files)) for one in found.values() if one.case.alone]
    took = time.perf_counter() - started
    part = f" --photos {options.photos} --rounds {options.rounds}" if options.photos else ""
    about = f"{len(images)} photographs, seed {options.seed}; {took:.0f} s. `python benchmarks/relations.py{part}`"
    tables = [
        Table(["what", "share or number", "asked for"], summary(found)),
        Table([*HEADER, *peers.names], copies, "Edits of photographs; the last five kinds are overlays"),
        Table([*HEADER, "removed", "images", *peers.names], others, "Different pictures, and their nearest pairs"),
    ]
    if described:
        tables.append(gain(found, described))
    whole = options.keep or not (options.photos or options.kinds)
    write_page("relations", "Copies, scenes and different pictures", about, tables, keep=whole)


if __name__ == "__main__":
    main()
