"""A full disk or a kill: one clear message, nothing half-written, and the same command succeeds the next time."""

import numpy as np
import pytest
from factories.full_disks import full_everywhere, may_mount
from factories.kills import killed_everywhere
from factories.tables import write
from PIL import Image

from curation import tables

IDS = [f"{number:032x}" for number in range(8)]
CLI = "from curation.cli.main import app\nimport curation.labelling.accept, curation.labelling.purge\n"
ACCEPT = f"{CLI}app(['label', 'accept', 'picks.csv', '--rest-as', 'predicted', '--reviewer', 'ana'])"
APPEND = """
import sys
from curation.decisions.log import append_reviews
from curation.errors import CurationError
row = {"decision": "keep", "reviewer": "ana", "note": "a long note " * 9}
rows = [{"image_id": f"{number:032x}", **row} for number in range(300)]
try:
    append_reviews(root / "data/reviews.csv", rows)
except CurationError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def project(tmp_path):
    """Eight images of the pool that a model called red, two classes, and a sheet that names half of the pool."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("dvc.yaml", "params.yaml"):
        (root / name).write_text("{}\n")
    known = [{"image_id": f"{90 + number:032x}", "label": name} for number, name in enumerate(("red", "blue"))]
    rows = [{"image_id": one, "path": f"data/unlabelled/{one[-2:]}.png", "source": "unlabelled"} for one in IDS]
    for number, row in enumerate(rows):
        (root / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 9, 3), 20 * number, np.uint8)).save(root / row["path"])
    facts = {"label": "red", "confidence": 0.1, "ood_score": 0.99}
    write(root, tables.IDENTIFIED, [{**row, **facts} for row in rows])
    write(root, tables.SELECTION, [{**row, "state": "kept"} for row in known])
    images = [{**row, "path": f"data/raw/{row['label']}/a.png", "source": "raw"} for row in known]
    write(root, tables.IMAGES, [{**row, "copy_paths": []} for row in [*rows, *images]])
    (root / "picks.csv").write_text("image_id\n" + "\n".join(IDS) + "\n")
    sheet = "".join(f"{one[-2:]}.png,staged\n" for one in IDS[::2])
    (root / "data/unlabelled/metadata.csv").write_text(f"file_name,origin\n{sheet}")
    return root


@pytest.mark.skipif(not may_mount(), reason="this process may not mount a disk")
@pytest.mark.parametrize(
    ("act", "most"),
    [
        (ACCEPT, 5),
        (f"{CLI}app(['purge', '--yes'])", 5),
        (APPEND, 5),
    ],
    ids=["label accept", "purge", "append"],
)
def test_a_full_disk_is_said_once_and_the_same_command_succeeds_with_space(project, act, most):
    found = full_everywhere(project, act)
    assert found["wrong"] == []
    assert found["refused"] >= most


def test_a_kill_of_label_accept_loses_and_doubles_no_decision_and_moves_each_file_once(project, tmp_path):
    found = killed_everywhere(project, tmp_path, ACCEPT, every=5)
    assert found["wrong"] == []
    assert found["kills"] > 8
