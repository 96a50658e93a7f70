"""Two commands of one project, started together in real processes: the end is that of one after the other.

Or one ends, names the other, and the end is that of the other alone. `make test` runs SHORT; CURATION_PAIRS=all runs
all pairs of commands, which takes hours, and CURATION_PAIRS="promote+accept, ..." runs those.
"""

import itertools
import json
import os

import pytest
from factories.crowd import COMMANDS, Crowd

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]
SHORT = "accept+purge, promote+rollback, import+undrop, push+push"
ASKED = os.environ.get("CURATION_PAIRS", SHORT)
ALL = [f"{one}+{other}" for one, other in itertools.combinations_with_replacement(COMMANDS, 2)]
PAIRS = ALL if ASKED == "all" else [pair.strip() for pair in ASKED.split(",")]


@pytest.fixture(scope="module")
def crowd(finished, copy_of, tmp_path_factory):
    """The demo after a promotion and a second round, with picks, an export of Label Studio, and a purge to undo."""
    project = copy_of(finished)
    project.replace("params.yaml", "push: auto", "push: never")
    project.replace("params.yaml", "epochs: 8", "epochs: 1")
    project.run("curate", "promote", "--force", "--reason", "first", "--no-commit")
    project.run("dvc", "repro", "cluster", "identify")
    project.run("curate", "next", "-n", "30", "--csv", "picks.csv")
    project.run("curate", "next", "-n", "45", "--csv", "others.csv")
    project.run("curate", "label", "export", "picks.csv", "done.json")
    tasks = json.loads((project.root / "done.json").read_text())
    chosen = {"type": "choices", "from_name": "label", "to_name": "image", "value": {"choices": ["two"]}}
    told = [{"completed_by": 1, "updated_at": "2026-11-20T10:00:00Z", "result": [chosen]}]
    (project.root / "done.json").write_text(json.dumps([{**task, "annotations": told} for task in tasks]))
    project.run("curate", "purge", "--max-conf", "1", "--min-ood-score", "0", "--limit", "5", "--yes")
    project.run("dvc", "add", "-q", "data/raw", "data/unlabelled")
    project.commit("Round two")
    return Crowd(project.root, tmp_path_factory.mktemp("crowd"), project.env)


@pytest.mark.parametrize("pair", PAIRS)
def test_two_commands_at_a_time_end_as_one_after_the_other(crowd, pair):
    assert crowd.check(*pair.split("+")) == ""
