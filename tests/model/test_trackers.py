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
    with open_trackers([name], "run", FACTS) as trackers:
        for tracker in trackers:
            for row in ROWS:
                tracker.epoch(row)
            tracker.model(Path("model.safetensors"), {"val_accuracy": 0.75})


def test_nested_parameters_get_dotted_names():
    assert flat(FACTS) == {"lr": 0.1, "train.head": "zero", "train.augment.flip": 0.5, "dataset": "abc"}


def test_no_tracker_is_no_file(here):
    with open_trackers([], "run", FACTS) as trackers:
        assert trackers == []
    assert [path.name for path in here.iterdir()] == ["model.safetensors"]


@pytest.mark.filterwarnings("default")
def test_tensorboard_gets_every_epoch(here):
    pytest.importorskip("tensorboard")
    follow("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(".cache/curation/tensorboard/run").Reload()
    assert [(event.step, event.value) for event in events.Scalars("val_accuracy")] == [(1, 0.25), (2, 0.75)]


@pytest.mark.filterwarnings("default")
def test_mlflow_gets_params_metrics_by_epoch_the_model_and_the_dataset(here, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (here / "store").as_uri())
    mlflow.set_tracking_uri((here / "store").as_uri())
    follow("mlflow")
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("curation").experiment_id])
    assert run.data.params == {"lr": "0.1", "train.head": "zero", "train.augment.flip": "0.5", "dataset": "abc"}
    history = client.get_metric_history(run.info.run_id, "val_accuracy")
    assert [(point.step, point.value) for point in history] == [(1, 0.25), (2, 0.75)]
    assert [item.path for item in client.list_artifacts(run.info.run_id)] == ["model.safetensors"]
    assert run.info.status == "FINISHED"
