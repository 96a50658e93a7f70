"""A repository with real git and real DVC, whose one stage `evaluate` copies prepared predictions."""

import factories.tables
import numpy as np
import pandas as pd
import pytest
from factories.projects import Repository
from safetensors.numpy import save_file

from curation import tables
from curation.model.header import Header, encode
from curation.predict.calibration import Calibration
from curation.project.dvc import md5_of

CLASSES = ("cat", "dog")
PARAMS = "# a comment that stays\nbase_model: models/backbone.safetensors   # and this one\nthrowaway: false\n"
PIPELINE = """
stages:
  evaluate:
    cmd: cp prepared.parquet data/predictions.parquet && cp prepared.json data/calibration.json
    deps:
      - models/candidate.safetensors
      - prepared.parquet
      - prepared.json
    outs:
      - data/predictions.parquet
      - data/calibration.json
artifacts:
  classifier:
    path: models/production.safetensors
    type: model
"""
IGNORED = "/models/candidate.safetensors\n/models/backbone.safetensors\n/prepared.*\n/.cache\n"


class Project(Repository):
    """A small project; `round` makes a candidate with its calibration and runs the stage."""

    @classmethod
    def begin(cls, root, top=None):
        """A project with a base model, in a repository at `top`, or in one of its own."""
        one = cls.start(root, {"params.yaml": PARAMS, "dvc.yaml": PIPELINE, ".gitignore": IGNORED}, top)
        for folder in ("models", "data", "reports/evaluate"):
            (root / folder).mkdir(parents=True)
        one.model("backbone", classes=())
        return one

    def model(self, name, classes=CLASSES, weight=0.0, throwaway=False, lineage=None):
        header = Header(
            "resnet18", tuple(classes), 32, (0.5,) * 3, (0.5,) * 3, throwaway=throwaway, lineage=lineage or {}
        )
        weights = {"weight": np.full((4,), weight, np.float32)}
        save_file(weights, self.root / f"models/{name}.safetensors", metadata=encode(header))

    def round(self, predictions, commit=True, **model):
        """Make a candidate, evaluate it with these predictions, and commit."""
        self.model("candidate", **model)
        digest = md5_of(self.root / "models/candidate.safetensors")
        Calibration(tuple(model.get("classes", CLASSES)), model=digest).write(self.root / "prepared.json")
        tables.write(predictions, self.root / "prepared.parquet", tables.PREDICTIONS)
        splits = factories.tables.splits(predictions[["image_id", "label", "split", "benchmark_set"]])
        tables.write(splits, self.root / "data/splits.parquet", tables.SPLITS)
        (self.root / "reports/metrics.json").write_text('{"test": {"images": 4, "accuracy": 0.5}}')
        per_class = (
            "set,class,precision,recall,f1,support,predicted\ntest,cat,0.5,0.5,0.5,2,2\ntest,dog,0.5,0.9,0.5,2,2\n"
        )
        (self.root / "reports/evaluate/per_class.csv").write_text(per_class)
        self.run("dvc", "repro", "-q")
        if commit:
            self.commit("round")

    @staticmethod
    def predictions(labels, predicted, base, split="benchmark", benchmark_set="frozen"):
        """PREDICTIONS of a few images."""
        count = len(labels)
        names = {"label": labels, "predicted": predicted, "base_predicted": base}
        frame = pd.DataFrame({"image_id": [f"{place:032x}" for place in range(count)], **names})
        frame["top_labels"], frame["top_confidences"] = [[name] for name in predicted], [[0.5]] * count
        return factories.tables.predictions(frame, split=split, benchmark_set=benchmark_set)


@pytest.fixture
def project(tmp_path):
    return Project.begin(tmp_path / "project")
