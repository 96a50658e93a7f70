import json
import random
import struct

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from curation.model.checkpoint import load, save
from curation.model.header import LIMIT, CheckpointError, Header, encode, pack, read_header, unpack
from curation.tables.codes import MODEL_SPLITS

md5s = st.text("0123456789abcdef", min_size=32, max_size=32)
names = st.text(st.characters(codec="ascii", exclude_characters=","), min_size=1, max_size=40)


def header(**changes) -> Header:
    facts = {
        "arch": "resnet18",
        "classes": ("ant", "bée"),
        "image_size": 32,
        "mean": (0.1, 0.2, 0.3),
        "std": (1.0, 1.0, 0.5),
    }
    return Header(**{**facts, **changes})


@given(st.dictionaries(st.one_of(md5s, names), st.sampled_from(MODEL_SPLITS), max_size=20))
def test_lineage_survives_packing(lineage):
    assert unpack(pack(lineage)) == lineage


@given(st.dictionaries(md5s, st.sampled_from(MODEL_SPLITS), min_size=2, max_size=20))
def test_packing_does_not_depend_on_the_order(lineage):
    assert pack(lineage) == pack(dict(reversed(lineage.items())))


def test_a_million_ids_would_fit_in_a_header():
    draw = random.Random(0)
    lineage = {f"{draw.getrandbits(128):032x}": "train" for _ in range(20_000)}
    text = encode(header(lineage=lineage))["curation"]
    assert len(text) < 0.25 * LIMIT / 50


def test_everything_survives_a_file(tmp_path):
    facts = header(
        params={"lr": 0.1, "train": {"head": "zero"}},
        dataset="abc",
        parent="def",
        metrics={"val_accuracy": 0.5},
        throwaway=True,
        lineage={"0" * 32: "train", "f" * 32: "benchmark"},
    )
    save(tmp_path / "model.safetensors", {"w": torch.ones(3)}, facts)
    found, state = load(tmp_path / "model.safetensors")
    assert found == facts
    assert state["w"].tolist() == [1, 1, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_the_same_content_gives_the_same_bytes(tmp_path):
    state = {"b": torch.zeros(2), "a": torch.ones(2, 2)}
    for name, order in (("one", state), ("two", dict(reversed(state.items())))):
        save(tmp_path / name, order, header(lineage={"a" * 32: "val", "b" * 32: "train"}))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_whoever_may_read_other_files_may_read_a_model(tmp_path):
    save(tmp_path / "model.safetensors", {"w": torch.ones(3)}, header())
    (tmp_path / "other").touch()
    assert (tmp_path / "model.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_safetensors_itself_reads_the_metadata(tmp_path):
    from safetensors import safe_open

    save(tmp_path / "m", {"w": torch.ones(1)}, header())
    with safe_open(tmp_path / "m", framework="pt") as file:
        assert json.loads(file.metadata()["curation"])["classes"] == ["ant", "bée"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "does not exist"),
        (b"", "no safetensors file"),
        (b"\x80\x02}q\x00.", "no safetensors file"),
        (struct.pack("<Q", 2) + b"{}", "without our facts"),
        (struct.pack("<Q", 10**12) + b"{}", "no safetensors file"),
        (struct.pack("<Q", 50) + b'{"__metadata__": {"curation": "', "no safetensors file"),
    ],
)
def test_a_bad_file_is_named_with_what_to_do(tmp_path, content, told):
    path = tmp_path / "model.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=told) as caught:
        read_header(path)
    assert "model.safetensors" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("candidate", "dvc repro train"),
        ("backbone", "dvc repro backbone"),
        ("production", "curate promote.*dvc pull"),
        ("other", "base_model"),
    ],
)
def test_a_missing_model_is_named_with_what_makes_it(tmp_path, name, told):
    with pytest.raises(CheckpointError, match=rf"{name}\.safetensors does not exist.*{told}"):
        read_header(tmp_path / f"{name}.safetensors")
