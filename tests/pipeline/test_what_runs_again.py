"""What makes `dvc repro` run a stage again: its inputs and its behaviour version, never a line of the library."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

pytestmark = pytest.mark.pipeline
LIBRARY = ("curation/model/training/epoch.py", "curation/images/hashing.py", "curation/evaluation/metrics.py")
WEIGHTS = "models/weights/ours.safetensors"
AGAIN = ["backbone", "split", "train"]  # split reads which images the base model knows


def changed(demo):
    """The stages that `dvc status` names."""
    return {name for name in demo.json("dvc", "status", "--json") if not name.endswith(".dvc")}


def ran(said):
    """The stages that ran, by what `dvc repro` said."""
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]


@pytest.mark.parametrize("name", LIBRARY)
def test_a_comment_in_a_library_file_runs_nothing_again(demo, name):
    path = demo.root / name
    path.write_text(path.read_text() + "\n# a remark\n")
    assert changed(demo) == set()


def test_a_new_behaviour_version_runs_its_stage_again(demo):
    from curation.project.behaviour_versions import VERSIONS

    before, after = (f"train: {VERSIONS['train'] + more}\n" for more in (0, 1))
    demo.replace("stages/behaviour.yaml", before, after)
    assert changed(demo) == {"train"}
    demo.replace("stages/behaviour.yaml", after, before)
    assert changed(demo) == set()


def test_another_descriptor_runs_dedupe_again(demo):
    file = demo.root / "models/descriptors/ours.onnx"
    file.write_bytes(b"one")
    assert changed(demo) == {"dedupe"}
    file.unlink()
    assert changed(demo) == set()


def write_weights(demo, factor):
    """Write local weights: those of the first base model, times a factor."""
    base = load_file(demo.root / "models/backbone.safetensors")
    found = {name: np.asarray(factor * values).astype(values.dtype) for name, values in base.items()}
    (demo.root / WEIGHTS).parent.mkdir(exist_ok=True)
    save_file(found, demo.root / WEIGHTS)


def test_replaced_local_weights_make_the_base_model_and_the_candidate_again(demo):
    write_weights(demo, 1.01)
    demo.replace("params.yaml", "weights: random ", f"weights: {WEIGHTS} ")
    demo.replace("params.yaml", "epochs: 8", "epochs: 1")
    assert ran(demo.run("dvc", "repro", "train")) == AGAIN
    assert ran(demo.run("dvc", "repro", "train")) == []
    files = [demo.root / "models" / f"{name}.safetensors" for name in ("backbone", "candidate")]
    before = [path.read_bytes() for path in files]
    write_weights(demo, 1.02)
    assert changed(demo) >= {"backbone"}
    assert ran(demo.run("dvc", "repro", "train")) == AGAIN
    assert all(path.read_bytes() != old for path, old in zip(files, before, strict=True))
