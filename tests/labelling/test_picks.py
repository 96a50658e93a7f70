"""Labels in a list of picks are text, whatever they look like."""

import json

import pandas as pd
import pytest

from curation.labelling.accept import read_picks

LABELS = ["NA", "None", "null", "007", "0", "nan", "1e5", "2024-01-02", ""]


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_picked_label_is_taken_as_it_is_written(tmp_path, kind):
    ids = [f"{number:032d}" for number in range(len(LABELS))]
    path = tmp_path / f"picks.{kind}"
    rows = [{"image_id": image_id, "label": label} for image_id, label in zip(ids, LABELS, strict=True)]
    pd.DataFrame(rows).to_csv(path, index=False) if kind == "csv" else path.write_text(json.dumps(rows))
    table = pd.DataFrame({"image_id": ids, "label": "model", "confidence": 0.5, "error": ""})
    assert read_picks(path, table).picked.tolist() == LABELS
