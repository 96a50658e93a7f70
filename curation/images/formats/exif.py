"""What EXIF tells of a picture: when it was captured, and the make and model of the camera.

Nothing else of EXIF is kept. The place, the owner's name and the serial numbers stand there, too, and they tell of
people. The tags are those of the standard (CIPA DC-008).
"""

import re
import warnings
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from PIL import Image

MAKER, MODEL = 0x010F, 0x0110  # Make, Model
EXIF_IFD, TAKEN, FRACTION = 0x8769, 0x9003, 0x9291  # DateTimeOriginal, SubSecTimeOriginal
DAY = re.compile(r"^(\d{4}):(\d{2}):(\d{2})")
LONGEST = 80  # letters of a camera's name


class Capture(NamedTuple):
    """When a picture was captured, as ISO 8601 without a zone, and by which camera; "" where EXIF does not tell."""

    captured_at: str = ""
    camera: str = ""


NOTHING = Capture()


def capture(image: Image.Image) -> Capture:
    """Read both from an image that Pillow has opened; damaged EXIF tells nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif = image.getexif()
            more = exif.get_ifd(EXIF_IFD) if exif else {}
        return Capture(_iso(exif_time(more)), camera_of(exif)) if exif else NOTHING
    except Exception:  # noqa: BLE001 - whatever broken metadata raises, the pixels are still good
        return NOTHING


def exif_time(exif: Mapping[int, object]) -> str:
    """The time of an EXIF directory as text, with its fraction of a second; "" where it tells none."""
    fraction = _text(exif.get(FRACTION))
    taken = _text(exif.get(TAKEN))
    return f"{taken}.{fraction[:6]}" if taken and fraction.isdigit() else taken


def camera_of(exif: Mapping[int, object]) -> str:
    """Maker and model, the maker once: many cameras name it in both."""
    maker, model = _text(exif.get(MAKER)), _text(exif.get(MODEL))
    both = model if maker and model.casefold().startswith(maker.casefold()) else f"{maker} {model}"
    plain = "".join(letter for letter in both if letter.isprintable())
    return " ".join(plain.split())[:LONGEST].strip()


def _iso(text: str) -> str:
    """The time, or the day, as ISO 8601; "" where the text is none, such as the zeros of a clock that was never set."""
    try:
        time = datetime.fromisoformat(DAY.sub(r"\1-\2-\3", text))
    except ValueError:
        return ""
    return time.date().isoformat() if len(text) <= len("2026:11:27") else time.replace(tzinfo=None).isoformat()


def _text(value: object) -> str:
    return "" if value is None else str(value).strip().strip("\0").strip()
