"""Years of rounds: whatever is added, relabelled, removed or promoted, nothing leaks and nothing vanishes.

The judge is `check.verdicts`, which shares no code with the stages, beside bookkeeping of its own about who moved.
The same few cases every time, so that a change is judged and not luck; CURATION_CASES draws that many new ones and
CURATION_ROUNDS sets the rounds of each (a long profile: 500 and 100).
"""

import os

import numpy as np
import pandas as pd
import pytest
from factories import tables as made
from factories.reviews import log_of
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from curation.params import Params
from curation.selection.cutoff import select
from curation.selection.groups.group_keys import splits_of_groups
from curation.selection.renewal.benchmark_renewals import explained, read_renewals, renewed
from curation.selection.renewal.renewal_plan import next_number, plan, undone
from curation.selection.split import split
from curation.selection.split_check import Round, changes, verdicts
from curation.tables.codes import MEASURED_SPLITS, MODEL_SPLITS, Basis

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("CURATION_ROUNDS", "20"))
CASES = int(os.environ.get("CURATION_CASES", "3"))
LABELS = ["ant", "bee", "cat", "dog", "elk"]
MINIMUM = 3


class Years(RuleBasedStateMachine):
    """A collection that lives: rows of images, an append-only log, a lineage."""

    mixed = "out"
    group_by: tuple[str, ...] = ()  # columns of the metadata, which images have where this is not empty

    @initialize(seed=st.integers(0, 2**32 - 1), benchmark=st.sampled_from([0.05, 0.2]), most=st.sampled_from([25, 60]))
    def begin(self, seed, benchmark, most):
        self.rng = np.random.default_rng(seed)
        self.params = Params.model_validate(
            {
                "cutoff": {"min": 12, "max": most, "classes": {"elk": {"min": 5}}},
                "split": {
                    "mixed": self.mixed,
                    "group_by": list(self.group_by),
                    "benchmark": benchmark,
                    "min_val": MINIMUM,
                    "min_test": MINIMUM,
                    "salt": str(seed),
                },
                "classes": {"merge": {"dog": "cat"}},
            }
        )
        self.rows, self.copies, self.group, self.log, self.lineage, self.last = [], {}, {}, [], {}, None
        self.grew_only, self.renewals = True, read_renewals(None)
        self.grow(150)
        self.run()

    def grow(self, number):
        """Add images: new ones, copies of old ones, images that join groups; a few unreadable, staged."""
        for _ in range(number):
            rng, name = self.rng, f"{self.rng.integers(2**62)}"
            row = {
                "name": name,
                "label": rng.choice([*LABELS, "unknown"], p=[0.3, 0.3, 0.15, 0.15, 0.07, 0.03]),
                "subclass": rng.choice(["", "old", "young"]),
                "origin": rng.choice(["real", "staged"], p=[0.9, 0.1]),
                "source": rng.choice(["raw", "unlabelled", "benchmark"], p=[0.93, 0.05, 0.02]),
                "error": rng.choice(["", "truncated"], p=[0.98, 0.02]),
                "hash": rng.bytes(64),
                "group": self.group_of(rng),
                "obtained_from": str(rng.choice(["", "north", "south"], p=[0.9, 0.05, 0.05])) if self.group_by else "",
            }
            row["benchmark_set"] = "hand" if row["source"] == "benchmark" else ""
            row["label"] = "" if row["source"] == "unlabelled" else row["label"]
            self.join_a_group(row, made.image_id(name))
            self.rows.append(row)

    def group_of(self, rng):
        """A group of the metadata for a new image: none, an old one that grows, or a new one."""
        if not self.group_by or rng.random() < 0.4:
            return ""
        old = sorted({row["group"] for row in self.rows} - {""})
        return str(rng.choice(old)) if old and rng.random() < 0.7 else f"g{rng.integers(2**40)}"

    def join_a_group(self, row, own):
        self.group[own] = own
        readable = [made.image_id(other["name"]) for other in self.rows if not other["error"]]
        if row["error"] or not readable or self.rng.random() < 0.6:
            return
        other = self.rng.choice(readable)
        self.merge(own, other)
        if self.rng.random() < 0.5:
            keeper = self.copies.get(other, other)
            if self.rng.random() < 0.3 and other == keeper:  # the new copy is the better one
                self.copies |= {image: own for image, kept in self.copies.items() if kept == keeper} | {keeper: own}
            else:
                self.copies[own] = keeper
        if self.rng.random() < 0.3:
            self.merge(own, self.rng.choice(readable))

    def merge(self, one, two):
        old, new = self.group[one], self.group[two]
        self.group = {image: new if name == old else name for image, name in self.group.items()}

    def run(self):
        images = made.images(self.rows)
        ids = set(images["image_id"])
        self.copies = {image: keeper for image, keeper in self.copies.items() if keeper in ids}
        members = pd.Series(self.group)[sorted(ids)]
        least = members.index.to_series().groupby(members.to_numpy()).transform("min")
        duplicates = made.duplicates(images, self.copies, least.to_dict())
        reviews = log_of(self.log)
        selection = select(images, duplicates, reviews, self.params)
        lineage = renewed(self.lineage, self.renewals)
        splits = explained(split(selection, self.params, lineage), self.renewals)
        if self.rng.random() < 0.2:  # the order of rows means nothing
            mixed = select(images.sample(frac=1, random_state=1), duplicates.sample(frac=1), reviews, self.params)
            pd.testing.assert_frame_equal(selection, mixed)
            again = split(mixed.sample(frac=1), self.params, lineage)
            pd.testing.assert_frame_equal(splits, explained(again, self.renewals))
        self.before, self.last = self.last, Round(images, duplicates, selection, splits, self.params, lineage)

    @rule(number=st.integers(1, 40))
    def images_come(self, number):
        self.grow(number)
        self.run()
        self.grew_only = True

    @rule(number=st.integers(1, 6), data=st.data())
    def people_decide(self, number, data):
        for _ in range(number):
            row = self.rows[self.rng.integers(len(self.rows))]
            word = data.draw(
                st.sampled_from(["relabel", "remove", "unknown", "keep", "benchmark:hard", "turn:90", "small"])
            )
            label = str(self.rng.choice(LABELS)) if word == "relabel" else ""
            self.log.append({"image_id": made.image_id(row["name"]), "decision": word, "label": label})
        self.run()
        self.grew_only = False

    @rule(number=st.integers(1, 10))
    def files_are_deleted(self, number):
        for _ in range(min(number, len(self.rows) - 50)):
            self.rows.pop(int(self.rng.integers(len(self.rows))))
        self.run()
        self.grew_only = False

    @rule()
    def the_model_is_promoted(self):
        splits = self.last.splits
        in_split = splits[splits["split"].isin(MODEL_SPLITS)]
        today = dict(zip(in_split["image_id"], in_split["split"], strict=True)) | splits_of_groups(splits)
        trained = {name for name, split in {**self.lineage}.items() if split == "train"}
        self.lineage = {**self.lineage, **today, **dict.fromkeys(trained, "train")}
        self.run()
        self.grew_only = True

    @rule(share=st.sampled_from([0.3, 0.5, 1]), back=st.booleans())
    def the_benchmark_is_renewed(self, share, back):
        before = self.last.splits
        moves = undone(self.renewals) if back else plan(before, self.renewals, share).moves
        rows = pd.DataFrame({"image_id": list(moves), "split": list(moves.values())}, dtype="str")
        number = next_number(self.renewals)
        rows = rows.assign(renewal=str(number), renewed_at=f"{number:06}", person="Ada")
        self.renewals = pd.concat([self.renewals, rows], ignore_index=True)
        self.run()
        self.grew_only = False
        if not back:
            after = self.last.splits.set_index("image_id")["split"].reindex(list(moves)).fillna("dropped")
            kept = self.last.selection.set_index("image_id")["state"].reindex(list(moves)) == "kept"
            own = {image for image, name in moves.items() if kept[image] or name == "benchmark"}
            assert {image: after[image] for image in own} == {image: moves[image] for image in own}
            assert set(after.drop(list(own))) <= {"reserve", "unknown", "conflict", "dropped"}
            assert before.set_index("image_id")["split"].reindex(list(moves)).isin(["test", "benchmark"]).all()
            was = set(before.loc[before["split"] == "benchmark", "image_id"])
            now = set(self.last.splits.query("split == 'benchmark'")["image_id"])
            assert {image for image, name in moves.items() if name == "benchmark"} == now - was

    @rule(val=st.sampled_from([0.1, 0.15, 0.3]), least=st.sampled_from([8, 12, 20]))
    def params_are_changed(self, val, least):
        values = self.params.model_dump()
        values["split"]["val"], values["cutoff"]["min"] = val, least
        self.params = Params.model_validate(values)
        self.run()
        self.grew_only = False

    @invariant()
    def every_promise_holds(self):
        if self.last is not None:
            broken = {verdict.rule: verdict.broken for verdict in verdicts(self.last) if not verdict.holds}
            assert not broken

    @invariant()
    def no_image_that_ever_was_in_a_renewal_is_trained_on(self):
        if self.last is not None:
            learnt = self.last.splits.query("split in ['train', 'val']")["image_id"]
            assert not set(learnt) & set(self.renewals["image_id"])

    @invariant()
    def growth_moves_none_between_train_and_the_measured_splits(self):
        """More images move none from train to val, test or benchmark, and back only those that a minimum took."""
        if self.before is None or not self.grew_only or self.mixed == "follow" or self.group_by:
            return
        moved = changes(self.before, self.last)
        old, new = (found.splits.set_index("image_id") for found in (self.before, self.last))
        moved["was"], moved["by"] = (frame["basis"].reindex(moved["image_id"]).to_numpy() for frame in (old, new))
        moved = moved[moved["by"] != Basis.LINEAGE_OF_COPY]  # it is a copy of what an earlier model knew, and follows
        taken = moved[(moved["before"] == "train") & moved["after"].isin(MEASURED_SPLITS)]
        # A minimum takes one only where one that counted to it has left: a better copy came, or the class was full.
        left = moved[moved["before"].isin([*MEASURED_SPLITS, "out"]) & (moved["after"] != moved["before"])]
        assert set(taken["by"]) <= {"minimum"}
        # The minimum, and one more with `mixed: out`, is a quarter of the class at most: it grows with a small class.
        kept = self.before.selection.query("state == 'kept' and origin == 'real'")["label"].value_counts()
        small = {label for label in LABELS if kept.get(label, 0) < 4 * (MINIMUM + 1)}
        assert set(taken["label"]) <= {*left["label"], *small}
        back = moved[moved["before"].isin(["val", "test"]) & (moved["after"] == "train")]
        assert set(back["was"]) <= {"minimum"}
        lost = moved[(moved["before"] == "benchmark") & ~moved["image_id"].isin(self.lineage)]
        assert set(lost["after"]) <= {"reserve", "dropped", "out", "conflict"}
        out = lost[lost["after"] == "out"]  # benchmark by hand, and then a copy of what a model was trained on
        learnt = {self.group.get(image) for image, name in self.lineage.items() if name == "train"}
        assert set(out["by"]) <= {Basis.HAND_MADE, Basis.DECISION}
        assert {self.group[image] for image in out["image_id"]} <= learnt


class YearsThatFollow(Years):
    """The same with `split.mixed: follow`."""

    mixed = "follow"


class YearsOfGroups(Years):
    """The same with groups of the metadata, which grow, and are merged by copies and by a second column."""

    group_by = ("group", "source")

    @rule(number=st.integers(1, 5))
    def a_group_is_named_later(self, number):
        """Somebody fills in the group of old images."""
        for _ in range(number):
            row = self.rows[int(self.rng.integers(len(self.rows)))]
            row["group"] = self.group_of(self.rng)
        self.run()
        self.grew_only = False


class YearsOfGroupsThatFollow(YearsOfGroups):
    """Groups, with `split.mixed: follow`."""

    mixed = "follow"


for machine in (Years, YearsThatFollow, YearsOfGroups, YearsOfGroupsThatFollow):
    machine.TestCase.settings = settings(
        max_examples=CASES,
        stateful_step_count=ROUNDS,
        phases=[Phase.generate],  # a case is a seed: there is nothing to shrink
        suppress_health_check=list(HealthCheck),
    )
TestYears = Years.TestCase
TestYearsThatFollow = YearsThatFollow.TestCase
TestYearsOfGroups = YearsOfGroups.TestCase
TestYearsOfGroupsThatFollow = YearsOfGroupsThatFollow.TestCase
