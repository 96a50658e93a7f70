"""Which images must not be trained on because a benchmark holds them or their scene.

A copy of a benchmark image would let the model learn what it is measured on. So would an image of the same leak group,
which shows the same scene.
"""

from collections.abc import Iterator

import pandas as pd

from curation.selection.reasons import COPY, SCENE
from curation.tables.codes import Reason, State

RULES = (("keeper", Reason.COPY_OF_BENCHMARK, COPY), ("leak_group", Reason.SCENE_OF_BENCHMARK, SCENE))


def found(frame: pd.DataFrame) -> Iterator[tuple[Reason, "pd.Series[str]"]]:
    """Yield for each rule its code, and the sentence of every row that it applies to. The first rule is the stronger.

    frame: image_id, keeper, leak_group, and state, which is benchmark where an image is in a benchmark set. The rows
    of the benchmark images themselves are among those that are yielded.
    """
    benchmark = frame[frame["state"] == State.BENCHMARK]
    for column, code, words in RULES:
        shown = benchmark.drop_duplicates(column).set_index(column)["image_id"]
        rows = frame.loc[frame[column].isin(shown.index), column]
        yield code, words + "the benchmark image " + rows.map(shown).str[:12]
