import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from curation.model.trackers import flat, open_trackers

FACTS = {"lr": 0.1, "train": {"head": "zero", "augment": {"flip": 0.5}}, "dataset": "abc"}
ROWS = [{"epoch": 1, "train_loss": 1.0, "val_accuracy": 0.25}, {"epoch": 2, "train_loss": 0.5, "val_accuracy": 0.75}]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("model.safetensors").write_bytes(b"weights")
    return tmp_path


def follow(name):
    with open_trackers([name], "run", FACTS, Path(".cache/curation")) as trackers:
        for tracker in trackers:
            for row in ROWS:
                tracker.epoch(row)
            tracker.model(Path("model.safetensors"), {"val_accuracy": 0.75})


def test_nested_parameters_get_dotted_names():
    assert flat(FACTS) == {"lr": 0.1, "train.head": "zero", "train.augment.flip": 0.5, "dataset": "abc"}


def test_no_tracker_is_no_file(here):
    with open_trackers([], "run", FACTS, here) as trackers:
        assert trackers == []
    assert [path.name for path in here.iterdir()] == ["model.safetensors"]


@pytest.mark.filterwarnings("default")
def test_tensorboard_gets_every_epoch(here):
    pytest.importorskip("tensorboard")
    follow("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(".cache/curation/tensorboard/run").Reload()
    assert [(event.step, event.value) for event in events.Scalars("val_accuracy")] == [(1, 0.25), (2, 0.75)]


MLFLOW = """
import json
import mlflow
from pathlib import Path
from curation.model.trackers import open_trackers

with open_trackers(["mlflow"], "run", FACTS, Path("caches")) as (tracker,):
    for row in ROWS:
        tracker.epoch(row)
    tracker.model(Path("model.safetensors"), {"val_accuracy": 0.75})
client = mlflow.MlflowClient()
(run,) = client.search_runs([client.get_experiment_by_name("curation").experiment_id])
history = client.get_metric_history(run.info.run_id, "val_accuracy")
print(json.dumps({
    "params": run.data.params,
    "history": [(point.step, point.value) for point in history],
    "artifacts": [item.path for item in client.list_artifacts(run.info.run_id)],
    "status": run.info.status,
}))
"""


def test_mlflow_gets_params_metrics_by_epoch_the_model_and_the_dataset(here):
    # In a process of its own: mlflow brings importlib_metadata, which changes how FiftyOne reads its own metadata.
    assert find_spec("mlflow"), "the extra [mlflow] is not installed"
    script = MLFLOW.replace("FACTS", repr(FACTS)).replace("ROWS", repr(ROWS))
    env = {**os.environ, "MLFLOW_TRACKING_URI": (here / "store").as_uri()}
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=False)
    assert out.returncode == 0, out.stderr
    found = json.loads(out.stdout.splitlines()[-1])
    assert found["params"] == {"lr": "0.1", "train.head": "zero", "train.augment.flip": "0.5", "dataset": "abc"}
    assert found["history"] == [[1, 0.25], [2, 0.75]]
    assert found["artifacts"] == ["model.safetensors"]
    assert found["status"] == "FINISHED"
