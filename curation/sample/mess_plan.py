"""Decide which file of a sample holds what: a pure function of the labels, a seed and the class cutoffs.

The plan is a list of `Item`s. Every file has one, also a file without a fault, so that the truth table is complete.
Only one item uses an image of the source; a copy names the item that it is made from.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from curation.sample.image_sources import Source, thinned

BENCHMARK_SET = "field"
COPIES = ("re-encoded", "resized", "brightened", "flipped", "identical")
SCRIBBLE = "scribble"  # the halves of two images put together: a picture that shows nothing


@dataclass(frozen=True)
class Item:
    """One file of the sample."""

    index: int  # the source's image
    folder: str  # below data/, e.g. raw/loop/six
    label: str = ""  # as filed; "" in the pool
    true_label: str = ""  # "" where it shows nothing
    subclass: str = ""
    kind: str = ""  # the fault or the purpose of the file; "" for an ordinary image
    other: int = -1  # a second source image, of a blend or a scribble
    origin: str = "real"
    copy_of: "Item | None" = field(default=None, repr=False)
    round: int = 1  # the round of collecting that brings it


@dataclass(frozen=True)
class Mess:
    """How many files of each kind are made. Shares are relative to the images of a class."""

    minimum: int = 40  # one class is below the minimum, and one is above the maximum
    maximum: int = 400
    benchmark: float = 0.06
    pool: float = 0.08
    unknown: float = 0.015
    copies: int = 8  # of each kind
    conflicts: int = 8
    flips: float = 0.03
    made: int = 10  # staged, synthetic and scribbled images, each
    most: int = 60  # of a class, in the pool or the benchmark


def plan_clean(source: Source, count: int | None, seed: int) -> list[Item]:
    """Plan class folders without any fault."""
    names = [source.classes[label] for label in source.labels]
    return [_plain(int(index), names[index]) for index in thinned(source, count, seed)]


def plan_mess(source: Source, count: int | None, seed: int, mess: Mess) -> list[Item]:
    """Plan class folders, a pool, a benchmark set, and the faults of real collections."""
    unused = UnusedImages(source, count, seed, mess)
    rng = np.random.default_rng([seed, 3])
    items = unused.items()
    raw = [item for item in items if item.folder.startswith("raw") and item.label != "unknown" and not item.kind]
    raw = [item for item in raw if item.round == 1]
    spare = [raw[position] for position in rng.permutation(len(raw)) if raw[position].label != unused.thin]
    thin = [item for item in raw if item.label == unused.thin]
    labels = sorted({item.label for item in spare})
    changed: dict[Item, Item] = {}
    added = _copies(spare, thin, mess) + _elsewhere(spare, labels, mess, rng)
    for item in _take(spare, round(mess.flips * len(raw))):
        changed[item] = replace(_move(item, _another(item.label, labels, rng)), kind="label flipped")
    for kind in ("EXIF-rotated", "16-bit", "EXIF-rotated", "16-bit"):
        for item in _take(spare, 1):
            changed[item] = replace(item, kind=kind)
    added += [replace(item, kind=kind) for kind in ("truncated", "text", "empty") for item in _take(spare, 1)]
    return [changed.get(item, item) for item in items] + added


class UnusedImages:
    """Distribute the images of the source over raw, pool and benchmark, each image at most once."""

    def __init__(self, source: Source, count: int | None, seed: int, mess: Mess) -> None:
        rng = np.random.default_rng([seed, 2])
        indices = rng.permutation(thinned(source, count, seed))
        self.left = {
            name: [int(i) for i in indices if source.classes[source.labels[i]] == name] for name in source.classes
        }
        self.thin = source.thin or source.classes[-1]
        self.mess = mess
        self.group, self.group_name = self._group(source)

    def _group(self, source: Source) -> tuple[tuple[str, ...], str]:
        """Return the classes that are kept under one name, enough of them to be above the maximum."""
        group = [name for name in source.group if self.left[name]]
        rest = sorted((name for name in self.left if name not in [*group, self.thin]), key=lambda n: -len(self.left[n]))
        while rest and (len(group) < 2 or 0.8 * sum(len(self.left[name]) for name in group) < self.mess.maximum):
            group.append(rest.pop(0))
        name = source.group_name if tuple(group) == source.group else "-or-".join(group)
        return tuple(group), name

    def take(self, name: str, count: float, most: int | None = None) -> list[int]:
        """Take up to `count` unused images of a class."""
        number = min(round(count), most or len(self.left[name]))
        taken, self.left[name] = self.left[name][:number], self.left[name][number:]
        return taken

    def filed_under(self, name: str) -> tuple[str, str]:
        """Return the label and sub-class under which a class of the source is stored."""
        return (self.group_name, name) if name in self.group else (name, "")

    def items(self) -> list[Item]:
        """Return every item except the copies and the broken files."""
        known = [name for name in self.left if name != self.thin]
        sizes = {name: len(left) for name, left in self.left.items()}
        items = self._scribbles(known) + self._made(known)
        for name in self.left:
            label, _ = self.filed_under(name)
            if name in self.group:  # fewer leave it, so that the group stays above the maximum
                sizes[name] //= 2
            items += [
                Item(i, f"benchmark/{BENCHMARK_SET}/{label}", label, label, kind="benchmark")
                for i in self.take(name, self.mess.benchmark * sizes[name], self.mess.most)
            ]
            items += self._nameless(name, "unlabelled", self.mess.pool * sizes[name])
            items += self._nameless(name, "raw/unknown", self.mess.unknown * sizes[name])
        few = self.take(self.thin, max(5, 0.6 * self.mess.minimum))
        later = [
            replace(_plain(i, self.thin), kind="second round", round=2) for i in self.take(self.thin, sizes[self.thin])
        ]
        return items + [_plain(i, self.thin) for i in few] + later + self._rest(known)

    def _nameless(self, name: str, folder: str, count: float) -> list[Item]:
        label, subclass = self.filed_under(name)
        filed = "" if folder == "unlabelled" else "unknown"
        kind = "pool" if folder == "unlabelled" else "unknown"
        return [Item(i, folder, filed, label, subclass, kind) for i in self.take(name, count, self.mess.most)]

    def _rest(self, known: list[str]) -> list[Item]:
        rest = [(i, *self.filed_under(name)) for name in known for i in self.take(name, len(self.left[name]))]
        return [_plain(i, label, subclass) for i, label, subclass in rest]

    def _scribbles(self, known: list[str]) -> list[Item]:
        """Return pictures that show nothing, for the pool, the class unknown, and the benchmark."""
        places = [("unlabelled", ""), ("raw/unknown", "unknown"), (f"benchmark/{BENCHMARK_SET}/unknown", "unknown")]
        items = []
        for turn in range(3 * self.mess.made):
            upper, lower = (self.take(known[(turn + step) % len(known)], 1) for step in (0, 1))
            if upper and lower:
                folder, label = places[turn % 3]
                items.append(Item(upper[0], folder, label, kind=SCRIBBLE, other=lower[0]))
        return items

    def _made(self, known: list[str]) -> list[Item]:
        """Return staged and synthetic images of two classes each; metadata.csv gives their origin."""
        items = []
        for number, name in enumerate(known[1:3] * (self.mess.made // 2)):
            label, subclass = self.filed_under(name)
            folder = f"raw/{label}/{subclass}".rstrip("/")
            items += [Item(i, folder, label, label, subclass, "staged", origin="staged") for i in self.take(name, 1)]
            pair = self.take(name, 2)
            if len(pair) == 2 and number < self.mess.made:
                items.append(Item(pair[0], folder, label, label, subclass, "synthetic", pair[1], "synthetic"))
        return items


def _plain(index: int, label: str, subclass: str = "") -> Item:
    return Item(index, f"raw/{label}/{subclass}".rstrip("/"), label, label, subclass)


def _take(spare: list[Item], count: int) -> list[Item]:
    """Take items from the front of the shuffled unused ones."""
    taken = spare[:count]
    del spare[:count]
    return taken


def _another(label: str, labels: list[str], rng: np.random.Generator) -> str:
    others = [name for name in labels if name != label] or [label]
    return others[int(rng.integers(len(others)))]


def _move(item: Item, label: str) -> Item:
    return replace(item, folder=f"raw/{label}", label=label, subclass="")


def _copies(spare: list[Item], thin: list[Item], mess: Mess) -> list[Item]:
    """Plan copies in the same folder. The thin class has enough files, but too few different images."""
    copies = [replace(item, kind=kind, copy_of=item) for kind in COPIES for item in _take(spare, mess.copies)]
    needed = max(0, mess.minimum + 2 - len(thin))
    return copies + [
        replace(item, kind=COPIES[number % len(COPIES)], copy_of=item)
        for number, item in enumerate((thin * 5)[:needed])
    ]


def _elsewhere(spare: list[Item], labels: list[str], mess: Mess, rng: np.random.Generator) -> list[Item]:
    """Plan copies under another label, in the pool and in the benchmark set."""
    copies = []
    for item in _take(spare, mess.conflicts):
        moved = _move(item, _another(item.label, labels, rng))
        copies.append(replace(moved, kind="copy, other label", copy_of=item))
    copies += [
        replace(item, folder="unlabelled", label="", kind="copy, pool", copy_of=item)
        for item in _take(spare, mess.copies)
    ]
    return copies + [
        replace(item, folder=f"benchmark/{BENCHMARK_SET}/{item.label}", kind="copy, benchmark", copy_of=item)
        for item in _take(spare, mess.copies // 2)
    ]
