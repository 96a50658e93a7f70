import json
import random
import struct

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from curation.model.checkpoint import foreign_state, load, save, save_tensors
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


HOSTILE = {
    "arch": [5, "", None, "../../x", "resnet18\n", "a" * 200, ["resnet18"]],
    "classes": [
        "ant",
        [5],
        [["a"]],
        None,
        ["a", "a"],
        ["unknown"],
        [""],
        [" "],
        ["a" * 300],
    ],
    "image_size": [10**6, 0, -32, 32.0, "32", True, None, 10**400],
    "mean": [[0.1, 0.2], "abc", [None] * 3, [1e300] * 3, [float("nan")] * 3, [float("inf")] * 3],
    "std": [[0.0, 1.0, 1.0], [], {"a": 1}],
    "stem": ["other", 5],
    "params": [[], "lr"],
    "metrics": [{"a": "b"}, 5],
    "throwaway": ["no", 1],
    "lineage": [{"train": "#"}, {"train": "abc"}, {"other": ","}, [], {"train": 5}],
    "groups": [{"nowhere": ",a"}],
    "format": [2, "1", None],
    "unheard_of": [1],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in HOSTILE.items() for value in values])
def test_a_hostile_header_is_one_error_that_names_the_file(tmp_path, name, value):
    facts = json.loads(encode(header())["curation"]) | {name: value}
    save_tensors(tmp_path / "model.safetensors", {"w": torch.ones(1)}, {"curation": json.dumps(facts)})
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        read_header(tmp_path / "model.safetensors")


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    )
)
def test_whatever_stands_in_a_header_it_is_read_or_refused(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("headers") / "model.safetensors"
    text = json.dumps({"__metadata__": value if isinstance(value, dict) else {"curation": json.dumps(value)}}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        read_header(path)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_neither_written_nor_read(tmp_path, number):
    path, state = tmp_path / "model.safetensors", {"w": torch.ones(3), "count": torch.tensor(2)}
    state["w"][1] = number
    with pytest.raises(CheckpointError, match=r"the tensor w .* not finite"):
        save(path, state, header())
    assert not path.exists()
    save_tensors(path, state, encode(header()))
    for read in (load, foreign_state):
        with pytest.raises(CheckpointError, match=r"the tensor w .* not finite"):
            read(path)
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(CheckpointError, match="not finite"):
        foreign_state(tmp_path / "weights.pth")
