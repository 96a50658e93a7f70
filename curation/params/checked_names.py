"""Names in params.yaml that are checked when they are read: colours, and devices to train on."""

import re
from typing import Annotated

from pydantic import AfterValidator


def _colour(name: str) -> str:
    """Refuse what Pillow can't read as a colour; it is loaded only when a colour was set."""
    from PIL import ImageColor

    try:
        ImageColor.getrgb(name)
    except ValueError:
        raise ValueError("not a colour: write a name that CSS knows, such as white, or '#rrggbb'") from None
    return name


def _device(name: str) -> str:
    """Refuse what is no device that training knows."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise ValueError("not a device: write auto, cpu, cuda, or cuda:1 for the second GPU")
    return name


Colour = Annotated[str, AfterValidator(_colour)]
Device = Annotated[str, AfterValidator(_device)]
