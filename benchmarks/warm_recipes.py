"""What the warm-start trials compare: how a training begins, and what it does to its images and rates.

A cold start begins at random weights. A warm start begins at the best weights of the round before, with a new head, and
has a fraction of the epochs. The list is that of the literature: the rate (Berariu 2021), augmentation (Zaidi 2022),
averaged weights and kept rows of the head, an epoch for the head alone (LP-FT 2202.10054), L2 towards the start, shrink
and perturb (Ash and Adams 2020: 0.6 of the weights and noise of 0.01), DASH (2410.23495), a new last stage, and the
mean of the last two rounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from curation.params import Params
from curation.params.loading import parse

FIRST, LAST = 5, 10  # classes of the first model and of the last round
EPOCHS = {"fashion": 48, "composites": 60, "digits": 120}  # of a cold start
EMA = 0.99
CROP: dict[str, Any] = {"zoom_in": 1.0, "zoom_out": 0.0, "stretch": 0.33}
MIX: dict[str, Any] = {"mixup": 0.2, "cutmix": 1.0}
AUGMENTS: dict[str, dict[str, Any]] = {
    "plain": {},  # as params.yaml ships
    "crop": CROP,
    "trivial": {"trivial": True},
    "mix": MIX,
    "crop+mix": {**CROP, **MIX},
    "crop+trivial": {**CROP, "trivial": True},
    "all": {**CROP, **MIX, "trivial": True, "erase": 0.25},
}
OWN: dict[str, dict[str, Any]] = {"digits": {"flip": 0.0}}  # of a set: writing has no mirror image


@dataclass(frozen=True)
class Recipe:
    """One way to train; `share` is the part of the cold start's epochs, and 1 a cold start."""

    augment: str = "plain"
    rate: float = 1e-3
    share: int = 1
    ema: float = EMA
    head: str = "random"  # random | reuse
    start: str = ""  # "" | shrink | dash | reset | mean
    pull: float = 0.0  # L2 towards the start, decoupled as AdamW's weight decay
    freeze: int = 0  # epochs for the head alone
    of: "Recipe | None" = field(default=None, repr=False)  # the cold start of the first model

    @property
    def name(self) -> str:
        """The recipe in a few words."""
        more = [self.head] * (self.head != "random") + [self.start] * bool(self.start)
        more += [f"pull {self.pull:g}"] * bool(self.pull) + [f"head first {self.freeze}"] * bool(self.freeze)
        more += [f"ema {self.ema:g}"] * (self.ema != EMA)
        first = f" from {self.of.name}" if self.of and self.of.augment != self.augment else ""
        kind = "cold" if self.share == 1 else f"warm 1/{self.share}"
        return " ".join([kind, self.augment, f"{self.rate:g}", *more]) + first

    def params(self, name: str, seed: int) -> Params:
        """The parameters of the stage `train` for a set."""
        augment = {**OWN.get(name, {}), **AUGMENTS[self.augment]}
        train = {"ema": self.ema, "augment": augment, "head": self.head, "freeze": self.freeze}
        return parse({"lr": self.rate, "epochs": EPOCHS[name] // self.share, "seed": seed, "train": train})


@dataclass(frozen=True)
class Job:
    """A recipe for a seed: one training of a cold start, or all rounds of a warm start."""

    recipe: Recipe
    seed: int
    rounds: tuple[int, ...]
    search: bool = False  # of the search for the best cold start


ROUNDS = tuple(range(FIRST + 1, LAST + 1))
SHIPPED = Recipe()
SEARCH = [
    *(Recipe("plain", rate) for rate in (1e-3, 2e-3, 4e-3)),
    *(Recipe(kind, 2e-3) for kind in AUGMENTS if kind != "plain"),
    *(Recipe("crop+mix", rate) for rate in (1e-3, 4e-3)),
    *(Recipe("all", rate) for rate in (4e-3,)),
]
SEARCHED = 3  # seeds of the search


def cold(recipe: Recipe, seed: int, rounds: tuple[int, ...] = (FIRST, *ROUNDS)) -> list[Job]:
    """A cold start in some rounds."""
    return [Job(recipe, seed, (classes,)) for classes in rounds]


def first_jobs(seeds: Sequence[int]) -> list[Job]:
    """The search for the cold start's recipe in the last round, then the shipped one in all, cold and warm."""
    found = [Job(recipe, seed, (LAST,), search=True) for recipe in SEARCH for seed in seeds[:SEARCHED]]
    found += [job for seed in seeds for job in cold(SHIPPED, seed, (FIRST,))]
    for rate in (1, 2, 4):
        found += warm(Recipe("plain", rate * SHIPPED.rate, 4, of=SHIPPED), seeds)
    return found + [job for seed in seeds for job in cold(SHIPPED, seed, ROUNDS)]


def next_jobs(best: Recipe, seeds: Sequence[int]) -> list[Job]:
    """The best cold start in all rounds, then warm starts that follow it, the most telling first."""
    found = [job for seed in seeds for job in cold(best, seed)]
    for recipe in warm_recipes(best):
        found += warm(recipe, seeds)
    return found


def warm_recipes(best: Recipe) -> list[Recipe]:
    """Warm starts with the augmentation of the best cold start."""

    def like(factor: float = 1, share: int = 4, **more: Any) -> Recipe:
        return Recipe(best.augment, best.rate * factor, share, of=best, **more)

    return [
        like(), like(0.5), like(2), like(1, 6), like(head="reuse"), like(start="shrink"), like(2, 6), like(0.5, 6),
        like(start="dash"), like(start="mean"), like(pull=0.1), like(freeze=1), like(start="reset"),
        like(head="reuse", start="mean"), like(1, 6, head="reuse"), like(0.25, head="reuse"), like(ema=0.998),
        like(1, 6, start="shrink"), like(pull=1.0), like(head="reuse", pull=0.1), like(0.25), like(2, head="reuse"),
        Recipe("plain", best.rate, 4, of=best), Recipe("crop", best.rate, 4, of=best),
    ]  # fmt: skip


def warm(recipe: Recipe, seeds: Sequence[int]) -> list[Job]:
    """A warm start through all rounds, for each seed."""
    return [Job(recipe, seed, ROUNDS) for seed in seeds]
