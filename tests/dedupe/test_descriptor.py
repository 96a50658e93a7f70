"""A copy-detection descriptor proposes pairs; the pixels decide. The models are tiny, real, and built here."""

import sys

import numpy as np
import pytest
from factories.collection import FILES, images, row
from PIL import Image

from curation.dedupe.descriptors import nearest_descriptors
from curation.dedupe.descriptors.described_images import SCALE, Resources, describe_files
from curation.dedupe.descriptors.descriptor_model import DescriptorError, DescriptorModel, check_tracked
from curation.dedupe.descriptors.nearest_descriptors import KEPT, near_pairs
from curation.dedupe.image_arrays import from_frame
from curation.dedupe.near_duplicates import find, find_duplicates
from curation.params.blocks import Dedupe

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
KINDS = {"float": onnx.TensorProto.FLOAT, "float16": onnx.TensorProto.FLOAT16, "uint8": onnx.TensorProto.UINT8}


def model_file(path, shape=("n", 3, 32, 32), kind="float", outputs=None, **said):
    """Write a model that answers with the mean colour of a picture."""
    axes = [2, 3] if shape[1] == 3 else [1, 2]
    tensor = onnx.helper.make_tensor
    nodes = [
        onnx.helper.make_node("Cast", ["image"], ["real"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("ReduceMean", ["real", "axes"], ["mean"], keepdims=0),
        onnx.helper.make_node("MatMul", ["mean", "weights"], ["vector"]),
    ]
    weights = np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)
    graph = onnx.helper.make_graph(
        nodes,
        "colours",
        [onnx.helper.make_tensor_value_info("image", KINDS[kind], shape)],
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs or ["vector"]],
        [tensor("axes", onnx.TensorProto.INT64, [2], axes), tensor("weights", KINDS["float"], [3, 8], weights.ravel())],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.helper.set_model_props(made, {key: str(value) for key, value in said.items()})
    onnx.save(made, path)
    return path


def tinted(seed, size=(480, 360)):
    """Clouds at many scales, as detailed as a photograph, with a colour of its own."""
    random = np.random.default_rng((31, seed))
    clouds = [Image.fromarray(random.integers(0, 256, (n, n, 3), np.uint8)) for n in (3, 7, 15, 33, 70, 140)]
    layers = [np.asarray(cloud.resize(size, Image.Resampling.BICUBIC), float) for cloud in clouds]
    return Image.fromarray((np.mean(layers, axis=0) * random.uniform(0.4, 1.0, 3)).astype(np.uint8))


def deep_crop(image):
    """The middle of a picture, without 22% of each side: more than hashes of views look for."""
    wide, high = image.size
    return image.crop((round(0.22 * wide), round(0.22 * high), round(0.78 * wide), round(0.78 * high)))


@pytest.fixture(scope="module")
def crowd():
    shown = [tinted(seed) for seed in range(8)]
    return images(*(row(at, one) for at, one in enumerate([*shown, deep_crop(shown[3])])))


def test_a_descriptor_finds_a_copy_that_hashes_do_not_propose(crowd, tmp_path):
    file = model_file(tmp_path / "colours.onnx", mean="0.5,0.5,0.5", std="1,1,1", similarity=0.95)
    without = find_duplicates(crowd, Dedupe(), files=FILES)
    assert (without["keeper"] == without["image_id"]).all()
    told = [find(from_frame(crowd), Dedupe(descriptor=str(file)), FILES, resources=Resources(n)) for n in (1, 2)]
    table, summary = told[0]
    assert table.set_index("image_id")["keeper"][f"{8:032x}"] == f"{3:032x}"
    assert summary.copies == 1, "what the descriptor proposes is a copy only by its pixels"
    assert summary.verified > 1
    assert told[1][0].equals(table)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [("n", 3, 32, 32), (4, 3, 24, 40), ("n", "h", "w", 3), (None, 3, None, None)])
def test_a_picture_has_the_same_descriptor_whatever_others_are_described_with_it(crowd, tmp_path, kind, shape):
    file = model_file(tmp_path / "colours.onnx", shape, kind, image_size=32)
    pairs = list(zip(crowd["image_id"], crowd["path"], strict=True))
    whole = describe_files(DescriptorModel(file, 2), pairs, FILES, Resources(2))
    assert np.allclose(np.linalg.norm(whole.astype(float), axis=1), SCALE, rtol=0.01)
    assert len(np.unique(whole, axis=0)) > 6
    for some in ([5], [7, 2, 3]):
        part = describe_files(DescriptorModel(file, 1), [pairs[k] for k in some], FILES, Resources(1))
        assert (part == whole[some]).all()


def test_a_kept_descriptor_is_not_made_again_unless_the_model_changes(crowd, tmp_path):
    place, cache = tmp_path / "images", tmp_path / "cache"
    place.mkdir()
    pairs = list(zip(crowd["image_id"], crowd["path"], strict=True))
    for _, path in pairs:
        (place / path).write_bytes((FILES.root / path).read_bytes())
    files = type(FILES)(place)
    model = DescriptorModel(model_file(tmp_path / "m.onnx"), 1)
    first = describe_files(model, pairs, files, Resources(1, cache))
    for _, path in pairs:
        (place / path).unlink()
    assert (describe_files(model, pairs, files, Resources(1, cache)) == first).all()
    other = DescriptorModel(model_file(tmp_path / "m.onnx", mean="0,0,0"), 1)
    assert not (describe_files(other, pairs, files, Resources(1, cache)) == first).all()


def unit(vectors):
    return np.rint(SCALE * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.int16)


@pytest.mark.parametrize("seed", range(4))
def test_up_to_a_limit_the_nearest_are_those_of_all_pairs(seed):
    vectors = unit(np.random.default_rng(seed).standard_normal((300, 6)))
    pairs, cosines = near_pairs(vectors, 0.5)
    dots = vectors.astype(np.int64) @ vectors.T.astype(np.int64)
    np.fill_diagonal(dots, -1)
    wanted = set()
    for one, found in enumerate(dots):
        best = np.lexsort((np.arange(len(found)), -found))[:KEPT]
        wanted |= {(min(one, other), max(one, other)) for other in best.tolist() if found[other] >= 0.5 * SCALE**2}
    assert {tuple(pair) for pair in pairs.tolist()} == wanted
    exact = dots[pairs[:, 0], pairs[:, 1]] / SCALE**2
    assert np.allclose(cosines, np.minimum(exact, 1), atol=1e-6)


def test_above_the_limit_nearly_all_near_pairs_are_found(monkeypatch):
    monkeypatch.setattr(nearest_descriptors, "EXACT", 100)
    random = np.random.default_rng(0)
    first = random.standard_normal((2000, 64))
    copies = 0.8 * first[:300] + 0.6 * random.standard_normal((300, 64))
    vectors = unit(np.concatenate([first, copies]))
    found = {tuple(pair) for pair in near_pairs(vectors, 0.6)[0].tolist()}
    near = [(at, 2000 + at) for at in range(300) if vectors[at].astype(int) @ vectors[2000 + at] >= 0.6 * SCALE**2]
    assert np.mean([pair in found for pair in near]) > 0.95


def test_a_crowd_of_equal_descriptors_gives_few_pairs_for_each(monkeypatch):
    monkeypatch.setattr(nearest_descriptors, "EXACT", 100)
    monkeypatch.setattr(nearest_descriptors, "LONGEST", 64)
    vectors = np.repeat(unit(np.random.default_rng(0).standard_normal((2, 16))), (700, 40), axis=0)
    pairs, _ = near_pairs(vectors, 0.5)
    assert 0 < len(pairs) <= KEPT * len(vectors)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: folder / "none.onnx", "does not exist"),
        (lambda folder: folder / "text.onnx", "can't be used"),
        (lambda folder: model_file(folder / "m.onnx", (1, 3, 32, 3)), "expected float, float16 or uint8"),
        (lambda folder: model_file(folder / "m.onnx", outputs=["real"]), r"first output is \[16, 3, 32, 32\]"),
        (lambda folder: model_file(folder / "m.onnx", mean="0.5,0.5"), "expected 3 number"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path, harm, words):
    (tmp_path / "text.onnx").write_text("not a model")
    with pytest.raises(DescriptorError, match=words) as told:
        list(DescriptorModel(harm(tmp_path), 1).describe(iter([np.zeros((32, 32, 3), np.uint8)])))
    assert "dedupe.descriptor" in str(told.value)


def test_without_onnxruntime_the_message_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DescriptorError, match=r"curation\[descriptor\]"):
        DescriptorModel(tmp_path / "m.onnx", 1)


@pytest.mark.parametrize(
    "path", ["m.onnx", "models/m.onnx", "/models/descriptors/m.onnx", "models/descriptors/../m.onnx"]
)
def test_a_project_names_a_file_that_dvc_sees(path):
    with pytest.raises(DescriptorError, match=r"dvc add models/descriptors/m\.onnx"):
        check_tracked(path)
    check_tracked("models/descriptors/m.onnx")
    check_tracked("")
