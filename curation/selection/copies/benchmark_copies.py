"""Which images must not be trained on because a benchmark holds them, their group or their scene.

A copy of a benchmark image would let the model learn what it is measured on. So would an image of the same group of the
metadata (`split.group_by`), or of the same leak group, which shows the same scene.
"""

import pandas as pd

from curation.selection.reasons import COPY, GROUP, SCENE
from curation.tables.codes import Reason, Word

RULES = {
    Reason.COPY_OF_BENCHMARK: ("keeper", COPY),
    Reason.GROUP_OF_BENCHMARK: ("group", GROUP),
    Reason.SCENE_OF_BENCHMARK: ("leak_group", SCENE),
}


def of_benchmarks(frame: pd.DataFrame) -> pd.DataFrame:
    """Add a column for each of RULES, named as its code: the sentence about an image, "" where the rule says nothing.

    frame: image_id, error, word, benchmark_set, keeper, group and leak_group. What can't be read, or was removed, is
    in no set. The rules name the images of the sets themselves, too.
    """
    benchmark = frame[(frame["error"] == "") & (frame["word"] != Word.REMOVE) & (frame["benchmark_set"] != "")]
    told = {}
    for code, (column, words) in RULES.items():
        shown = benchmark[benchmark[column] != ""].drop_duplicates(column).set_index(column)["image_id"]
        sentences = words + "the benchmark image " + shown.str[:12]
        told[code.value] = frame[column].map(sentences).where(frame[column].isin(shown.index), "").astype("str")
    return frame.assign(**told)
