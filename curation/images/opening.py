"""Open any image file the way a person sees it.

This one function serves the whole project. The first bytes tell the format, never the name. EXIF orientation is
applied, and the pixels end as 8-bit RGB. A file that would unpack to too many pixels is refused before it is decoded.
Whatever a library raises on damaged bytes becomes one `UnreadableImage` with a reason. A decoder that hangs or crashes
can't be stopped here: `curation.engine.guard.run_guarded` does that.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from curation.errors import CurationError
from curation.images.damage import damage
from curation.images.file_type import sniff
from curation.images.formats.camera_raw import develop, raw_by_magic, raw_in_tiff
from curation.images.formats.deep_pixels import decode_deep, is_deep
from curation.images.formats.deep_tiff import PROFILE, picture_directory
from curation.images.formats.dicom import read_dicom
from curation.images.formats.exif import NOTHING, Capture, capture
from curation.images.formats.pillow_plugins import open_with_pillow
from curation.images.formats.portable_map import read_pam
from curation.images.formats.refused import Refused
from curation.images.formats.stream_ends import with_end
from curation.images.jpeg import decode_any, decode_plain, size_of_plain
from curation.images.to_rgb import FOR_COLOURS, TURNS, first_picture, orientation, to_rgb, upright

MAX_MEGAPIXELS = 250.0
MAX_SIDE = 65_535
MAX_BYTES = 2**30
SIDEWAYS = (5, 6, 7, 8)
WIDTH_TAG, HEIGHT_TAG = 256, 257
LONGEST_REASON = 200


class UnreadableImage(CurationError):  # noqa: N818 - named as it is reported
    """A file that can't be opened as an image; `reason` says why in words."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class Opened:
    """An upright RGB image, and what its file said.

    That is the size in full, upright; a `note` on damage it survived; and when and by which camera it was captured.
    """

    image: Image.Image
    format: str
    width: int
    height: int
    note: str
    capture: Capture = NOTHING


def open_image(
    path: Path, reduce_to: int | None = None, background: str = "white", max_megapixels: float = MAX_MEGAPIXELS
) -> Image.Image:
    """Open an image file: RGB, upright, as a person sees it.

    With `reduce_to` the image may come smaller than it is stored, but its shorter side never under that many pixels
    (where it had them). Transparent pixels show `background`. Raises UnreadableImage.
    """
    return decode(read_bytes(path), path, reduce_to, background, max_megapixels).image


def read_bytes(path: Path) -> bytes:
    """Read a file whole; UnreadableImage if the system refuses or it is absurdly large."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UnreadableImage(path, f"the file has {size / 1e9:.1f} GB; at most {MAX_BYTES / 1e9:.1f} GB are read")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImage(path, f"the system refused to read it: {error.strerror}") from None


def decode(
    data: bytes,
    path: Path | str,
    reduce_to: int | None = None,
    background: str = "white",
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Opened:
    """Open an image from a file's bytes, as `open_image` does; `path` is for messages."""
    try:
        name = sniff(data[:512])
        if name == "JPEG" and (opened := _plain_jpeg(data, reduce_to, max_megapixels)):
            return opened
        with _limits(max_megapixels):
            return _decode(data, name, reduce_to, background, max_megapixels)
    except UnreadableImage as error:
        raise UnreadableImage(path, error.reason) from None
    except Refused as error:
        raise UnreadableImage(path, str(error)) from None
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise nearly anything on hostile bytes
        raise UnreadableImage(path, _reason(error, name, max_megapixels)) from None


def _decode(data: bytes, name: str, reduce_to: int | None, background: str, max_megapixels: float) -> Opened:
    try:
        return _as_it_is(data, name, reduce_to, background, max_megapixels)
    except (OSError, ValueError, EOFError):
        found = with_end(data, name)
        if not found:
            raise
    opened = _as_it_is(found[0], name, reduce_to, background, max_megapixels)
    return replace(opened, note="; ".join(filter(None, (found[1], opened.note))))


def _as_it_is(data: bytes, name: str, reduce_to: int | None, background: str, max_megapixels: float) -> Opened:
    if special := _special(data, name, background, max_megapixels):
        return special
    image = open_with_pillow(data, name)
    number = picture_directory(data)[0] if name == "TIFF" else 0
    if number:
        image.seek(number)
    _check_size(image.size, max_megapixels)
    full = image.size
    turn, told = (orientation(image), capture(image)) if name == "JPEG" else (1, NOTHING)
    if name == "JPEG":
        image, note = decode_any(data, image, reduce_to)
    else:
        image.load()
        # Only now: PNG may keep EXIF behind its pixels, TIFF is turned by Pillow while it loads.
        full, turn, told = image.size, orientation(image), capture(image)
        note = damage(data, name)
    rgb, more = first_picture(image, background)
    width, height = reversed(full) if turn in SIDEWAYS else full
    notes = "; ".join(filter(None, (note, _which(number), more)))
    return Opened(upright(rgb, turn), name, width, height, notes, told)


def _which(number: int) -> str:
    """A note where another picture than the first of a TIFF is shown; `number` counts from 0."""
    return f"its first picture is a small preview: picture {number + 1} is shown" if number else ""


def _special(data: bytes, name: str, background: str, max_megapixels: float) -> Opened | None:
    """Open what Pillow does not read as a person sees it: raw files of cameras, DICOM, and deep PNG and TIFF."""
    if name in {"RAW", "TIFF"} and (kind := raw_by_magic(data[:16]) or (raw_in_tiff(data) if name == "TIFF" else "")):
        image = develop(data, kind)
        _check_size(image.size, max_megapixels)
        return Opened(image, "RAW", *image.size, f"developed from a camera's raw file ({kind})")
    if name == "PAM":
        image, note = read_pam(data)
        _check_size(image.size, max_megapixels)
        rgb, more = to_rgb(image, background)
        return Opened(rgb, name, *rgb.size, "; ".join(filter(None, (note, more))))
    if name == "DICOM":
        image, note = read_dicom(data)
        _check_size(image.size, max_megapixels)
        return Opened(image.convert("RGB"), name, *image.size, note)
    return _deep(data, name, background, max_megapixels) if is_deep(data, name) else None


def _deep(data: bytes, name: str, background: str, max_megapixels: float) -> Opened | None:
    """Open a PNG, PPM or TIFF of more than 8 bits a sample; None where it is for Pillow."""
    profile: Mapping[Any, Any]
    number = 0
    if name == "TIFF":
        number, tags = picture_directory(data)
        _check_size((int(tags.get(WIDTH_TAG, 0)), int(tags.get(HEIGHT_TAG, 0))), max_megapixels)
        turn, told, profile = 1, NOTHING, {"icc_profile": tags.get(PROFILE)}
    else:
        header = open_with_pillow(data, name)
        _check_size(header.size, max_megapixels)
        header.load()  # raises on damage that OpenCV passes over
        turn, told, profile = orientation(header), capture(header), header.info
    found = decode_deep(data, name, profile.get("transparency"))
    if not found:
        return None
    image, note = found
    image.info.update({key: value for key, value in profile.items() if value and key in FOR_COLOURS})
    rgb, more = to_rgb(image, background)
    notes = (damage(data, name), _which(number), note, more)
    shown = upright(rgb, turn)
    return Opened(shown, name, *shown.size, "; ".join(filter(None, notes)), told)


def _plain_jpeg(data: bytes, reduce_to: int | None, max_megapixels: float) -> Opened | None:
    """Open the usual JPEG quickly; None if there is anything special about it."""
    header = size_of_plain(data)
    if not header:
        return None
    wide, high, colours = header
    _check_size((wide, high), max_megapixels)
    try:
        image = decode_plain(data, colours, reduce_to)
    except ValueError:
        return None
    return Opened(image if colours == "RGB" else image.convert("RGB"), "JPEG", wide, high, "")


def _check_size(size: tuple[int, int], max_megapixels: float) -> None:
    wide, high = size
    if wide < 1 or high < 1:
        raise UnreadableImage("", f"it has no pixels ({wide} x {high})")
    if max(size) > MAX_SIDE or wide * high > max_megapixels * 1e6:
        raise UnreadableImage(
            "",
            f"too large: {wide} x {high} pixels, {wide * high / 1e6:.0f} megapixels; at most "
            f"{max_megapixels:g} (ingest.max_megapixels) and {MAX_SIDE} a side are decoded",
        )


@contextmanager
def _limits(max_megapixels: float) -> Iterator[None]:
    """Set Pillow's own bomb limit, which also holds for images within images, and still the warnings it prints."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = int(max_megapixels * 1e6)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _reason(error: Exception, name: str, max_megapixels: float) -> str:
    """Put a decoder's complaint into words that fit in a table."""
    if isinstance(error, Image.DecompressionBombError):
        return f"too large: more than twice the {max_megapixels:g} megapixels of ingest.max_megapixels, once unpacked"
    if isinstance(error, UnidentifiedImageError):
        return f"damaged: it starts as {name}, but its header makes no sense"
    words = str(error) or type(error).__name__
    if "truncated" in words.lower():
        return f"truncated: the {name} ends before its picture does"
    if "data stream" in words:
        return f"damaged {name}: its data stream is broken"
    plain = "".join(letter if letter.isprintable() else "?" for letter in words)
    return f"damaged {name}: {plain[:LONGEST_REASON]}"


__all__ = ["TURNS", "Opened", "UnreadableImage", "decode", "open_image", "read_bytes"]
