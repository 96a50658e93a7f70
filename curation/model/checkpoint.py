"""Write and read whole checkpoints: the tensors and the header in one safetensors file.

The same tensors and header give the same bytes. A file is written under a temporary name and then renamed, so it is
never half-written. Weights of other projects are read by `foreign_state`: a safetensors file, or a .pth file through
torch's restricted loader, which accepts tensors and plain containers and runs no code.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import nn

from curation.errors import in_words
from curation.files import whole
from curation.model.backbone import PROBE_CLASSES, Spec, build
from curation.model.classifier_head import find_head, head_keys
from curation.model.header import CheckpointError, Header, encode, read_header

State = dict[str, torch.Tensor]


def save(path: Path, state: Mapping[str, torch.Tensor], header: Header) -> None:
    """Write a checkpoint. Tensors are copied to the CPU and keep their shape and type.

    CheckpointError where a weight is no finite number: such a model gives every image the same answer.
    """
    refuse_infinite(path, state)
    save_tensors(path, state, encode(header))


def save_tensors(path: Path, state: Mapping[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write tensors and at most one entry of metadata; the file is never half-written."""
    tensors = {name: tensor.detach().to("cpu").contiguous() for name, tensor in state.items()}
    data = to_bytes(tensors, metadata)  # its own `save_file` puts another file in the place of the draft
    try:
        with whole(path) as draft:
            draft.write_bytes(data)
    except OSError as error:
        raise CheckpointError(f"{path} can't be written: {error.strerror}. Is the disk full or read-only?") from None


def load(path: Path) -> tuple[Header, State]:
    """Read a checkpoint: its header and its tensors, on the CPU."""
    header, state = read_header(path), load_tensors(path)
    refuse_infinite(path, state)
    return header, state


def refuse_infinite(path: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Raise CheckpointError where a tensor holds NaN or an infinite number."""
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(
                f"{path}: the tensor {name} holds a number that is not finite, so the model can't answer. Train it "
                "again, with a lower `lr` or `train.precision: fp32`"
            )


def load_tensors(path: Path) -> State:
    """Read the tensors of a safetensors file, onto the CPU."""
    try:
        return dict(load_file(path))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} can't be read: {error}. Fetch it again (`dvc pull`), or make it again") from None


def restore(path: Path) -> tuple[Header, nn.Module, str]:
    """Build the model of a checkpoint with its weights, in evaluation mode; the text is the name of its last layer.

    A backbone gets a head of zeros.
    """
    header, state = load(path)
    outputs = len(header.classes) or PROBE_CLASSES
    model = build(Spec(header.arch, header.image_size, header.stem), outputs)
    head = find_head(model, outputs)
    if not header.has_head:
        fresh = model.state_dict()
        state |= {name: torch.zeros_like(fresh[name]) for name in head_keys(model, head)}
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not fit {header.arch}: {str(error).splitlines()[-1].strip()}") from None
    return header, model.eval(), head


def foreign_state(path: Path) -> State:
    """Read weights that this project did not write: .safetensors, or .pth and .pt with a dictionary of tensors.

    Raises CheckpointError when the file is missing, is refused by torch's safe loader, or holds no tensors.
    """
    if not path.exists():
        raise CheckpointError(
            f"backbone.weights: {path} does not exist; write `random`, `imagenet` or `models/weights/FILE`"
        )
    tensors = load_tensors(path) if path.suffix == ".safetensors" else _restricted(path)
    refuse_infinite(path, tensors)
    return tensors


def _restricted(path: Path) -> State:
    """Read a .pth or .pt file through torch's loader of tensors and plain containers."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - the restricted loader raises many kinds
        raise CheckpointError(
            f"backbone.weights: {path} is refused by torch's safe loader "
            f"({in_words(error)[:200]}). Save it as safetensors"
        ) from None
    for key in ("state_dict", "model", "model_state_dict"):
        found = found.get(key, found) if isinstance(found, dict) else found
    tensors = (
        {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}
        if isinstance(found, dict)
        else {}
    )
    if not tensors:
        raise CheckpointError(f"backbone.weights: {path} holds no dictionary of tensors")
    return {name.removeprefix("module."): value for name, value in tensors.items()}


def md5(path: Path) -> str:
    """The MD5 of a file in hex, as DVC records it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
