"""Whatever people decide, in whatever order the lines and images stand: their last word on an image holds for it."""

import pandas as pd
from factories import tables as made
from factories.reviews import log_of
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.params import Params
from curation.selection.cutoff import select

ID = made.image_id
NAMES = [f"i{number}" for number in range(5)]
PARAMS = Params.model_validate({"cutoff": {"min": 1}})
WORDS = st.sampled_from(
    [
        *[("keep", ""), ("keep", "a"), ("keep", "b"), ("relabel", "a"), ("relabel", "b"), ("unknown", "")],
        *[("remove", ""), ("turn:90", ""), ("small", "")],
    ]
)
NAMING = ("keep", "relabel", "unknown", "remove")


@st.composite
def cases(draw):
    """Images with labels, some of them copies of the first or second, and a log of many words with its times."""
    labels = [draw(st.sampled_from("ab")) for _ in NAMES]
    keepers = [0, 1, *(draw(st.sampled_from([0, 1, at])) for at in range(2, len(NAMES)))]
    words = draw(st.lists(st.tuples(st.sampled_from(NAMES), WORDS), max_size=9))
    log = [{"image_id": ID(name), "decision": word, "label": label} for name, (word, label) in words]
    return labels, keepers, log


def collection(labels, keepers):
    rows = [{"name": name, "label": label} for name, label in zip(NAMES, labels, strict=True)]
    rows += [{"name": "one of a", "label": "a"}, {"name": "one of b", "label": "b"}]
    images = made.images(rows)
    return images, made.duplicates(images, {ID(NAMES[at]): ID(NAMES[stays]) for at, stays in enumerate(keepers)})


@given(cases(), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_order_of_lines_images_and_copies_changes_nothing(case, random):
    labels, keepers, rows = case
    (images, duplicates), log = collection(labels, keepers), log_of(rows)
    found = select(images, duplicates, log, PARAMS)

    def shuffled(frame):
        return frame.sample(frac=1, random_state=random.randrange(2**30)).reset_index(drop=True)

    # Lines keep their numbers: those are named in messages, and nothing else may hang on them.
    again = select(shuffled(images), shuffled(duplicates), shuffled(log), PARAMS)
    pd.testing.assert_frame_equal(again, found)


@given(cases())
@settings(max_examples=25, deadline=None)
def test_no_decision_on_another_image_changes_what_was_decided_on_this_one(case):
    labels, keepers, rows = case
    images, duplicates = collection(labels, keepers)
    _, nothing = collection(labels, range(len(NAMES)))
    found, alone = (select(images, of, log_of(rows), PARAMS).set_index("image_id") for of in (duplicates, nothing))
    for at, name in enumerate(NAMES):
        own = [row for row in rows if row["image_id"] == ID(name) and row["decision"] in NAMING]
        if not own:
            continue
        last, image = own[-1], found.loc[ID(name)]
        assert image["label"] == alone.loc[ID(name), "label"], "as if it had no copies"
        assert (image["reason_code"] == "removed") == (last["decision"] == "remove")
        assert image["state"] != "conflict"
        others = [one for one, stays in enumerate(keepers) if stays == keepers[at] and one != at]
        for other in others:
            words = [row["decision"] for row in rows if row["image_id"] == ID(NAMES[other])]
            named = [word for word in words if word in NAMING]
            if named and named[-1] == last["decision"] == "keep":
                assert {image["state"], found.loc[ID(NAMES[other]), "state"]} == {"kept"}
