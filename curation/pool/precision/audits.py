"""Audit proposals: draw some at random, let people label them, and bound the share that is right.

The bound is that of Clopper and Pearson (1934) on a simple random sample of the proposals. It needs no assumption on
the pool or on the model. An image of the sample that nobody has decided on counts as wrong. The file data/audits.json
holds the samples and what came of them; git tracks it.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
from pydantic import TypeAdapter

from curation.decisions.fold import fold
from curation.decisions.log import read_reviews
from curation.errors import CurationError, in_words
from curation.files import write_text
from curation.files.parsed import parse_json
from curation.pool.uniform_sample import draw
from curation.predict.proportions import lower_bound
from curation.project import Project
from curation.tables.codes import Word


class AuditError(CurationError):
    """There is nothing to audit, or the file of audits can't be read."""


@dataclass(frozen=True)
class Audit:
    """A random sample of the proposals of one model at one threshold, and the result.

    - model: first 12 digits of its MD5
    - min_conf, of_class, max_ood_score: which images were proposals; "" for all classes
    - seed: of the draw
    - proposals: number of images that were drawn from
    - drawn: image_id -> predicted class
    - decided, right: how many people decided on, and for how many the prediction was right; by `counted`
    """

    model: str
    min_conf: float
    of_class: str
    seed: int
    max_ood_score: float
    proposals: int
    drawn: dict[str, str]
    decided: int = 0
    right: int = 0

    @property
    def key(self) -> tuple[str, float, str, float, int]:
        """What tells audits apart."""
        return self.model, self.min_conf, self.of_class, self.max_ood_score, self.seed

    @property
    def low(self) -> float:
        """The lower bound at 95 % of the share of proposals that are right."""
        return lower_bound(self.right / len(self.drawn), len(self.drawn)) if self.drawn else 0.0

    def __str__(self) -> str:
        """Say what is known."""
        of_class = f" as {self.of_class}" if self.of_class else ""
        some = f"{len(self.drawn)} of {self.proposals:,} proposals{of_class} at confidence >= {self.min_conf:.3f}"
        left = len(self.drawn) - self.decided
        open_ones = f"; {left} are not decided yet and count as wrong" if left else ""
        return f"audit of {some}: {self.right} are right, so at least {self.low:.3f} of them all, at 95 %{open_ones}"


def sample(proposals: pd.DataFrame, count: int, start: Audit) -> tuple[Audit, pd.DataFrame]:
    """Draw `count` proposals, each with the same chance. Returns the audit, and their rows in the order drawn.

    `start` says model, threshold, class and seed. Raises AuditError when there are no proposals.
    """
    if not len(proposals):
        raise AuditError(f"no image is proposed at confidence >= {start.min_conf:g}, so there is nothing to audit")
    rows = proposals.iloc[draw(proposals["image_id"], count, start.seed)].reset_index(drop=True)
    drawn = dict(zip(rows["image_id"].astype(str), rows["label"].astype(str), strict=True))
    return replace(start, proposals=len(proposals), drawn=drawn), rows


def counted(audit: Audit, reviews: pd.DataFrame) -> Audit:
    """Count what people decided on the sample; `reviews` is the log as `read_reviews` gives it.

    A prediction is right when the last decision gives the image this class. `remove` and `unknown` make it wrong.
    """
    held = fold(reviews).set_index("image_id")
    held = held[held["named"] != ""]
    words, labels = held["named"].to_dict(), held["label"].to_dict()
    settled = [one for one in audit.drawn if one in words and not (words[one] == Word.KEEP and not labels[one])]
    right = [one for one in settled if words[one] in {Word.RELABEL, Word.KEEP} and labels[one] == audit.drawn[one]]
    return replace(audit, decided=len(settled), right=len(right))


def read(path: Path) -> list[Audit]:
    """Read the audits, sorted; none when the file is missing, or empty as stage collect makes it."""
    data = path.read_bytes() if path.exists() else b""
    if not data.strip():
        return []
    try:
        return TypeAdapter(list[Audit]).validate_python(parse_json(data)["audits"])
    except (ValueError, TypeError, KeyError) as error:
        raise AuditError(f"{path} is not a file of audits ({in_words(error)}): bring it back with git") from None


def of_model(audits: list[Audit], model: str, min_conf: float) -> list[Audit]:
    """Return the audits of a model at one threshold of confidence."""
    return [one for one in audits if one.model == model and math.isclose(one.min_conf, min_conf, abs_tol=1e-6)]


def put(path: Path, audit: Audit) -> None:
    """Write one audit into the file, in the place of the one with the same key. The file appears whole."""
    others = [one for one in read(path) if one.key != audit.key]
    audits = [asdict(one) for one in sorted([*others, audit], key=lambda one: one.key)]
    write_text(path, json.dumps({"audits": audits}, indent=1, ensure_ascii=False) + "\n")


def audited(project: Project, model: str, min_conf: float, max_ood_score: float) -> Iterator[str]:
    """Yield what the audits of this model at these thresholds say, with the decisions of today."""
    found = [one for one in of_model(read(project.audits), model, min_conf) if one.max_ood_score == max_ood_score]
    if found:
        reviews = read_reviews(project.reviews)
        yield from (str(counted(one, reviews)) for one in found)
