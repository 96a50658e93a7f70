"""Which other keepers an image would be a copy of, once a person says that it is no copy of its own keeper.

A cluster is a star: an image was compared with its keeper, and not with every other keeper of its scene. So the word
of a person on one pair may not be enough for an image to stay. The same verifier as in the stage answers for the
keepers whose thumbnails are nearest.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.dedupe.relations.pair_verifier import Pair, PairVerifier, ordered, words_of
from curation.dedupe.verification.file_pixels import ImageFiles
from curation.images.image_measures import thumbnails
from curation.params.blocks import Dedupe
from curation.tables.codes import Relation

NEAREST = 16  # keepers of one scene that an image is compared with
FACTS = ["image_id", "path", "captured_at", "width", "height", "hash_quality", "thumbnail"]


def other_keepers(
    images: pd.DataFrame,
    duplicates: pd.DataFrame,
    image_ids: Collection[str],
    files: ImageFiles,
    params: Dedupe,
    decided: pd.DataFrame | None = None,
) -> list[tuple[str, str]]:
    """Pairs (image_id, keeper): the keepers of its scene, but for its own, whose copy each image is by the pixels.

    images: FACTS of IMAGES. duplicates: image_id, keeper and scene of DUPLICATES. params: as `near_duplicates.rules`
    gives them. decided: what people decided on pairs of images, as curation.decisions.fold.pairs gives it.
    """
    asked = duplicates[duplicates["image_id"].isin(set(image_ids))]
    keepers = duplicates[(duplicates["keeper"] == duplicates["image_id"]) & duplicates["scene"].isin(asked["scene"])]
    facts = images[images["image_id"].isin({*asked["image_id"], *keepers["image_id"]})]
    facts = facts.sort_values("image_id", ignore_index=True)
    rows = dict(zip(facts["image_id"], range(len(facts)), strict=True))
    pictures = _unit(thumbnails(facts))
    found: dict[Pair, tuple[str, str]] = {}
    for one, own, scene in asked[["image_id", "keeper", "scene"]].itertuples(index=False):
        others = keepers.loc[(keepers["scene"] == scene) & (keepers["image_id"] != own), "image_id"]
        near = np.argsort(-(pictures[[rows[other] for other in others]] @ pictures[rows[one]]), kind="stable")
        for other in others.to_numpy()[near[:NEAREST]]:
            found[ordered(rows[one], rows[other])] = (one, str(other))
    verifier = PairVerifier(facts, files, params, words_of(decided, facts), workers=1)
    answers = zip(found.values(), verifier.verdicts(found), strict=True)
    verifier.close()
    return [pair for pair, verdict in answers if verdict.relation is Relation.COPY]


def _unit(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Thumbnails as float32 [n, d] of mean 0 and length 1, so that a product of two is their correlation."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6), np.float32)
