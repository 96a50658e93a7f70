import pytest
import torch

from curation.model import backbone, classifier_head
from curation.model.backbone import ArchError, Spec

# One a family; the test of the head below goes over every model that torchvision has.
FAMILIES = {
    "alexnet": 64,
    "convnext_tiny": 32,
    "densenet121": 32,
    "efficientnet_b0": 32,
    "efficientnet_v2_s": 32,
    "googlenet": 32,
    "inception_v3": 75,
    "maxvit_t": 224,
    "mnasnet0_5": 32,
    "mobilenet_v2": 32,
    "mobilenet_v3_small": 32,
    "regnet_x_400mf": 32,
    "resnet18": 32,
    "resnext50_32x4d": 32,
    "shufflenet_v2_x0_5": 32,
    "squeezenet1_1": 32,
    "swin_t": 32,
    "swin_v2_t": 32,
    "vgg11_bn": 32,
    "vit_b_32": 32,
    "wide_resnet50_2": 32,
}
SMALL_ENOUGH_TO_RUN = [
    "googlenet",
    "mnasnet0_5",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
]


LARGE = {"efficientnet_v2_s", "maxvit_t", "densenet121"}
EACH_FAMILY = [pytest.param(*one, marks=[pytest.mark.slow] * (one[0] in LARGE)) for one in FAMILIES.items()]


@pytest.mark.parametrize(("arch", "size"), EACH_FAMILY)
def test_the_head_is_found_and_the_rest_is_the_body(arch, size):
    with backbone._weightless(arch):
        few, many = (backbone._make(Spec(arch, size), classes) for classes in (5, 6))
    differ = {name for name, tensor in few.state_dict().items() if many.state_dict()[name].shape != tensor.shape}
    assert differ == classifier_head.head_keys(few, classifier_head.find_head(few, 5))
    assert set(classifier_head.body_state(few, 5)) == set(few.state_dict()) - differ
    backbone.check(Spec(arch, size))


@pytest.mark.parametrize("arch", backbone.known_archs())
def test_every_torchvision_model_is_known_by_its_family(arch):
    prefixes = {name.split("_")[0].rstrip("0123456789") for name in FAMILIES}
    assert arch.split("_")[0].rstrip("0123456789") in prefixes


@pytest.mark.parametrize("arch", SMALL_ENOUGH_TO_RUN)
@pytest.mark.parametrize("stem", ["standard", "half", "small"])
def test_models_learn_from_a_step(arch, stem):
    torch.manual_seed(0)
    model = backbone.build(Spec(arch, 32, stem), 3).train()
    out = model(torch.randn(4, 3, 32, 32))
    assert out.shape == (4, 3)
    out.sum().backward()
    assert all(weight.grad is not None for weight in model.parameters())


def test_a_small_stem_keeps_the_image_large():
    sizes = {}
    for stem in ("standard", "half", "small"):
        model = backbone.build(Spec("resnet18", 32, stem), 3)
        seen = []
        model.layer1.register_forward_pre_hook(lambda _layer, inputs, seen=seen: seen.append(inputs[0].shape[-1]))
        model(torch.zeros(2, 3, 32, 32))
        sizes[stem] = seen[0]
    assert sizes == {"standard": 8, "half": 16, "small": 32}


def test_random_weights_follow_the_seed():
    def weights(seed):
        torch.manual_seed(seed)
        return backbone.build(Spec("squeezenet1_1", 32), 3).state_dict()["features.0.weight"]

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (Spec("resnet19", 32), "Did you mean resnet18"),
        (Spec("maskrcnn_resnet50_fpn", 32), "no torchvision classification model"),
        (Spec("alexnet", 32), "image_size=64"),
        (Spec("inception_v3", 32), "image_size=75"),
        (Spec("maxvit_t", 64), "image_size=224"),
        (Spec("timm/resnet_nobody", 32), "timm knows no model"),
    ],
)
def test_an_impossible_model_is_refused_with_what_would_work(spec, told):
    with pytest.raises(ArchError, match=told):
        backbone.build(spec, 3)


@pytest.mark.parametrize("name", ["timm/resnet18", "timm/vit_tiny_patch16_224", "timm/mobilenetv3_small_050"])
def test_timm_models_are_built_the_same_way(name):
    pytest.importorskip("timm")
    model = backbone.build(Spec(name, 32), 3)
    assert model.eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 3)
    assert classifier_head.head_keys(model, classifier_head.find_head(model, 3))


@pytest.mark.parametrize(
    ("arch", "mean"),
    [
        ("timm/resnet18", 0.485),
        ("timm/vit_tiny_patch16_224", 0.5),
        ("timm/vit_base_patch16_clip_224.openai", 0.48145466),
        ("googlenet", 0.5),
        ("resnet18", 0.485),
    ],
)
def test_trained_weights_get_the_pixels_that_they_were_trained_on(arch, mean):
    if arch.startswith(backbone.TIMM):
        pytest.importorskip("timm")
    assert backbone.normalisation(arch, trained=True)[0][0] == mean
    assert backbone.normalisation(arch, trained=False) == (backbone.IMAGENET_MEAN, backbone.IMAGENET_STD)
