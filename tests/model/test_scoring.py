import numpy as np
import pytest
import torch

from curation.model import checkpoint
from curation.model.backbone import Spec, build
from curation.model.base_model import make_backbone, start_from
from curation.model.classifier_head import body_state
from curation.model.header import CheckpointError, Header
from curation.model.scorer import Scorer

CLASSES = ("a", "b", "c")


def write(path, arch, size=32):
    torch.manual_seed(0)
    model = build(Spec(arch, size), 3)
    checkpoint.save(path, model.state_dict(), Header(arch, CLASSES, size, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)))
    return model.eval()


def pixels(count, size=32):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("arch", "features"),
    [
        ("resnet18", 512),
        ("squeezenet1_1", 512),
        ("mobilenet_v3_small", 1024),
        ("shufflenet_v2_x0_5", 1024),
        ("swin_t", 768),
    ],
)
def test_scores_are_the_models_own_and_embeddings_the_heads_input(tmp_path, arch, features):
    model = write(tmp_path / "m", arch)
    batch = pixels(3)
    scores = Scorer(tmp_path / "m", device="cpu").score(batch)
    with torch.inference_mode():
        expected = model((torch.from_numpy(batch).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25)
    assert np.allclose(scores.logits, expected, atol=1e-3)
    assert scores.logits.dtype == scores.embeddings.dtype == np.float32
    assert scores.embeddings.shape == (3, features)


def test_a_stream_gives_the_scores_of_its_batches_in_order(tmp_path):
    write(tmp_path / "m", "mobilenet_v3_small")
    batches = np.array_split(pixels(11), 4)
    one = list(Scorer(tmp_path / "m", device="cpu").stream(iter(batches)))
    scorer = Scorer(tmp_path / "m", device="cpu")
    assert [len(scores.logits) for scores in one] == [3, 3, 3, 2]
    assert all(
        np.array_equal(scores.logits, scorer.score(batch).logits) for scores, batch in zip(one, batches, strict=True)
    )


def test_neighbours_in_a_batch_do_not_matter(tmp_path):
    write(tmp_path / "m", "resnet18")
    scorer = Scorer(tmp_path / "m", device="cpu")
    together, alone = scorer.score(pixels(9)), scorer.score(pixels(9)[4:5])
    assert np.allclose(together.embeddings[4], alone.embeddings[0], atol=1e-4)


@pytest.mark.parametrize("arch", ["resnet18", "squeezenet1_1", "mobilenet_v3_small"])
def test_a_backbone_has_the_embeddings_of_its_model_and_no_logits(tmp_path, arch):
    model = write(tmp_path / "m", arch)
    facts = Header(arch, (), 32, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    checkpoint.save(tmp_path / "b", body_state(model, 3), facts)
    whole, body = (Scorer(tmp_path / name, device="cpu").score(pixels(3)) for name in ("m", "b"))
    assert body.logits.shape == (3, 0)
    assert np.array_equal(body.embeddings, whole.embeddings)


def test_a_backbone_that_lacks_a_tensor_is_refused(tmp_path):
    state = body_state(write(tmp_path / "m", "resnet18"), 3)
    del state["conv1.weight"]
    checkpoint.save(tmp_path / "b", state, Header("resnet18", (), 32, (0.5,) * 3, (0.25,) * 3))
    with pytest.raises(CheckpointError, match="does not fit resnet18"):
        Scorer(tmp_path / "b")


def test_a_file_of_another_network_is_refused(tmp_path):
    model = build(Spec("squeezenet1_1", 32), 3)
    facts = Header("resnet18", CLASSES, 32, (0, 0, 0), (1, 1, 1))
    checkpoint.save(tmp_path / "m", model.state_dict(), facts)
    with pytest.raises(CheckpointError, match="does not fit resnet18"):
        Scorer(tmp_path / "m")


def test_a_fresh_candidate_can_score(toy, tmp_path):
    make_backbone(toy.params, tmp_path / "b")
    start = start_from(tmp_path / "b", CLASSES, toy.params)
    facts = Header(toy.params.arch, CLASSES, 16, start.base.mean, start.base.std)
    checkpoint.save(tmp_path / "m", start.model.state_dict(), facts)
    assert np.abs(Scorer(tmp_path / "m", device="cpu").score(pixels(2, 16)).logits).max() < 5
