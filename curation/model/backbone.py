"""Build a classification model by name.

Names are torchvision's (`resnet18`), or timm's with a prefix (`timm/efficientnet_lite0`). Every model is built for the
wanted number of classes, without the auxiliary heads of GoogLeNet and Inception. For images up to 64 pixels a smaller
first convolution without pooling is the usual change (He et al. 2016, section 4.2).
"""

import logging
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from curation.errors import CurationError
from curation.model.classifier_head import NoHeadError, find_head

Channels = tuple[float, float, float]

TIMM = "timm/"  # before the names of timm's models
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
PROBE_CLASSES = 7
TRIED_SIZES = (32, 48, 64, 75, 96, 128, 160, 192, 224, 256, 299)
OWN_CONSTANTS = {"googlenet", "inception_v3"}  # their published weights want pixels from -1 to 1

log = logging.getLogger(__name__)


class ArchError(CurationError):
    """A model name that is not known, or a model that can't take images of this size."""


@dataclass(frozen=True)
class Spec:
    """What a network is built from."""

    arch: str
    image_size: int
    stem: str = "standard"  # standard | half | small


def build(spec: Spec, classes: int) -> nn.Module:
    """Build an untrained model with `classes` outputs; its weights come from torch's global random generator.

    Raises ArchError when the name is not known, or when the architecture can't take images of that size.
    """
    check(spec)
    return _fit_stem(_make(spec, classes), spec.stem)


def check(spec: Spec) -> None:
    """Try the architecture on tensors without data. ArchError names the fault and the smallest size that works."""
    reason = _refusal(spec)
    if not reason:
        return
    for size in TRIED_SIZES:
        if size > spec.image_size and not _refusal(Spec(spec.arch, size, spec.stem)):
            hint = f"The smallest size tried that works is `-S image_size={size}`; or choose another `-S arch=...`"
            raise ArchError(f"arch {spec.arch} can't take images of {spec.image_size} pixels ({reason}). {hint}")
    raise ArchError(f"arch {spec.arch} can't be used with image_size {spec.image_size}: {reason}")


def pretrained(spec: Spec) -> tuple[nn.Module, int]:
    """Build a model with its published ImageNet weights; returns the model and its number of classes.

    torch downloads the weights to its cache on first use. Raises ArchError when they can't be fetched.
    """
    check(spec)
    try:
        model = _make(spec, 1000, pretrained=True)
    except (OSError, RuntimeError) as error:
        raise ArchError(
            f"backbone.weights: imagenet: the weights of {spec.arch} can't be fetched ({error}). "
            "Use `random`, or name a local file of weights"
        ) from None
    return _fit_stem(model, spec.stem), 1000


def normalisation(arch: str, *, trained: bool) -> tuple[Channels, Channels]:
    """Mean and standard deviation of each channel, for pixels in 0..1, that a model expects.

    Weights that somebody trained want the pixels that they were trained on. timm says for each of its models what
    those are: a quarter of them were not trained on the usual constants. Random weights get the usual ones.
    """
    if trained and arch.startswith(TIMM):
        import timm

        found = timm.get_pretrained_cfg(arch.removeprefix(TIMM))
        if found is not None:
            return _channels(found.mean), _channels(found.std)
    if trained and arch in OWN_CONSTANTS:
        return (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
    return IMAGENET_MEAN, IMAGENET_STD


def _channels(values: Sequence[float]) -> Channels:
    """Three numbers, also of a model that reads one channel."""
    red, green, blue = values if len(values) == 3 else [values[0]] * 3
    return float(red), float(green), float(blue)


def known_archs() -> list[str]:
    """Every torchvision classification model."""
    from torchvision import models

    return list(models.list_models(module=models))


class _Weightless(TorchFunctionMode):
    """Parameters without data, but real arithmetic: RegNet computes its widths with tensors."""

    def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        extra = {"device": "meta"} if func in {torch.empty, torch.zeros, torch.ones} else {}
        return func(*args, **{**(kwargs or {}), **extra})


def _weightless(arch: str) -> AbstractContextManager[object]:
    """The context in which a model is built without memory for its weights."""
    return _Weightless() if arch.startswith("regnet") else torch.device("meta")


def _refusal(spec: Spec) -> str:
    with torch.no_grad():
        try:
            with _weightless(spec.arch):
                model = _make(spec, PROBE_CLASSES)
                model = _fit_stem(model, spec.stem).eval().to("meta")
            with torch.device("meta"):
                model(torch.empty(2, 3, spec.image_size, spec.image_size))
            find_head(model, PROBE_CLASSES)
        except (ArchError, NoHeadError):
            raise
        except (RuntimeError, ValueError, TypeError, AssertionError) as error:
            message: str = str(error).splitlines()[0]
            return message
    return ""


def _make(spec: Spec, classes: int, *, pretrained: bool = False) -> nn.Module:
    if spec.arch.startswith(TIMM):
        return _make_timm(spec, classes, pretrained=pretrained)
    from torchvision import models

    if spec.arch not in known_archs():
        raise ArchError(_unknown(spec.arch))
    options: dict[str, object] = {"weights": "DEFAULT" if pretrained else None}
    if not pretrained:
        options["num_classes"] = classes
        options |= _family_options(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: nn.Module = models.get_model(spec.arch, **options)
    for name in ("aux1", "aux2", "AuxLogits"):
        if getattr(model, name, None) is not None:
            setattr(model, name, None)
    if hasattr(model, "aux_logits"):
        vars(model).update(aux_logits=False, transform_input=False)  # normalisation is ours
    return model


def _family_options(spec: Spec) -> dict[str, object]:
    """Arguments that some families of models need."""
    if spec.arch in {"googlenet", "inception_v3"}:
        return {"aux_logits": False, "init_weights": True}
    if spec.arch.startswith("vit_"):
        return {"image_size": spec.image_size}
    if spec.arch.startswith("maxvit"):
        return {"input_size": (spec.image_size, spec.image_size)}
    return {}


def _make_timm(spec: Spec, classes: int, *, pretrained: bool) -> nn.Module:
    try:
        import timm
    except ModuleNotFoundError:
        raise ArchError(f"arch {spec.arch} needs timm: pip install 'curation[timm]'") from None
    name = spec.arch.removeprefix(TIMM)
    if name.split(".")[0] not in timm.list_models():
        raise ArchError(f"timm knows no model named {name}")
    sized: dict[str, Any] = {"img_size": spec.image_size} if _takes_size(name) else {}
    model: nn.Module = timm.create_model(name, pretrained=pretrained, num_classes=classes, **sized)
    return model


def _takes_size(name: str) -> bool:
    return any(part in name for part in ("vit", "deit", "swin", "beit", "mixer", "eva")) and "maxvit" not in name


def _unknown(arch: str) -> str:
    import difflib

    near = difflib.get_close_matches(arch, known_archs(), n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"`arch` is {arch!r}: no torchvision classification model has that name.{hint} timm's are written timm/NAME"


def _fit_stem(model: nn.Module, stem: str) -> nn.Module:
    """Replace the first convolution by one of 3x3, and remove the first pooling, so that small images keep their size.

    The stride is 1 for `small` and 2 for `half`. The new layer has random weights, also in a pretrained model. Stems
    that cut the image into patches (ViT, Swin, ConvNeXt) have no such pair of layers and stay as they are.
    """
    if stem == "standard":
        return model
    convolutions = [found for found in _walk(model) if isinstance(found[2], nn.Conv2d)]
    parent, name, first = convolutions[0]
    assert isinstance(first, nn.Conv2d)
    if first.kernel_size[0] == first.stride[0] or type(model).__name__ == "MaxVit":
        return model
    new = nn.Conv2d(
        first.in_channels, first.out_channels, 3, 1 if stem == "small" else 2, 1, bias=first.bias is not None
    )
    nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
    setattr(parent, name, new)
    pools = [found for found in _walk(model) if isinstance(found[2], nn.MaxPool2d)]
    if pools:
        parent, name, _ = pools[0]
        setattr(parent, name, nn.Identity())
    return model


def _walk(model: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    """(parent, name in the parent, layer) of every layer."""
    return [(parent, name, layer) for parent in model.modules() for name, layer in parent.named_children()]
