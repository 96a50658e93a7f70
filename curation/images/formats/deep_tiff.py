"""The pixels of a TIFF of more than 8 bits a sample, whatever number type and arrangement it has.

OpenCV decodes the usual arrangement, in any compression. It reads separate colour planes as noise, without an error,
and knows no half-precision, 64-bit or signed 8-bit numbers: tifffile (C. Gohlke) reads those. A first picture that the
file itself calls a reduced one is passed over.
"""

from collections.abc import Callable, Mapping
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from curation.images.formats.refused import Refused

BITS, PHOTOMETRIC, SAMPLES, PLANES, EXTRA, SAMPLE_FORMAT, PROFILE = 258, 262, 277, 284, 338, 339, 34675
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
CIE_LAB, ICC_LAB = 8, 9  # a and b are signed, or lie around the middle
ORIENTATION, SUBFILE, SIZES_OF_STRIPS, SIZES_OF_TILES = 274, 254, 279, 325
SEPARATE, SIGNED, REAL = 2, 2, 3
MULTIPLIED = 1
ALPHA = {MULTIPLIED, 2}  # what an extra sample may be said to be; 0 says nothing
NO_PICTURE = 1 | 4  # bits of the tag SUBFILE: a reduced picture, and a mask
MOST_PLANES = 4  # that Pillow reads
MOST_PICTURES = 20  # that are looked through for one that is not reduced

Array = npt.NDArray[np.generic]
UPRIGHT: Mapping[int, Callable[[Array], Array]] = {  # by EXIF orientation
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: np.rot90(stored, 1),
}


def first_directory(data: bytes) -> ImageFileDirectory_v2:
    """The tags of a TIFF's first picture; raises what Pillow raises on damaged tags."""
    stream = BytesIO(data)
    header = stream.read(16 if data[2:4] == b"+\0" else 8)
    tags = ImageFileDirectory_v2(header)
    return directory_at(data, tags, tags.next)


def directory_at(data: bytes, tags: ImageFileDirectory_v2, offset: int) -> ImageFileDirectory_v2:
    """The tags of the directory at `offset`, read into `tags`, which knows the order of bytes."""
    stream = BytesIO(data)
    stream.seek(offset)
    tags.load(stream)
    return tags


def picture_directory(data: bytes) -> tuple[int, ImageFileDirectory_v2]:
    """The number, from 0, and the tags of the first picture that is not a reduced one; of the first where all are."""
    first = tags = first_directory(data)
    for number in range(MOST_PICTURES):
        if not int(tags.get(SUBFILE, 0)) & NO_PICTURE:
            return number, tags
        if not tags.next:
            break
        tags = directory_at(data, ImageFileDirectory_v2(data[: 16 if data[2:4] == b"+\0" else 8]), tags.next)
    return 0, first


def is_deep_tiff(data: bytes) -> bool:
    """Whether the picture has more than 8 bits a sample.

    Signed ones, which Pillow takes for unsigned, and many separate planes, which it can't read, count as such.
    """
    tags = picture_directory(data)[1]
    bits = int(np.max(tags.get(BITS, 1)))
    planes = int(tags.get(SAMPLES, 1)) if int(tags.get(PLANES, 1)) == SEPARATE else 1
    return bits > 8 or (bits == 8 and (int(np.max(tags.get(SAMPLE_FORMAT, 1))) == SIGNED or planes > MOST_PLANES))


def read_deep_tiff(data: bytes) -> tuple[Array, Array | None] | None:
    """Decode the picture, upright: colours [h, w] or [h, w, 3] and alpha [h, w] or None, in the file's own numbers.

    Colours that are multiplied by their alpha are divided by it. None where the picture is neither grey nor RGB.
    """
    number, tags = picture_directory(data)
    if not any(np.ravel(tags.get(SIZES_OF_STRIPS, tags.get(SIZES_OF_TILES, 1)))):
        raise Refused("truncated: the TIFF ends before its picture does")  # OpenCV would show black
    kind, samples = int(tags.get(PHOTOMETRIC, BLACK_IS_ZERO)), int(tags.get(SAMPLES, 1))
    colours = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3}.get(kind, 0)
    if not colours or not colours <= samples <= 8:
        return None
    pixels = _pixels(data, tags, samples, number)
    if pixels.ndim == 2:
        return pixels, None
    said = int(np.ravel(tags.get(EXTRA, (0,)))[0]) if samples > colours else 0
    shown = pixels[:, :, 0] if colours == 1 else pixels[:, :, :3]
    if said not in ALPHA:
        return shown, None
    cover = pixels[:, :, colours]
    return _divided(shown, cover) if said == MULTIPLIED else shown, cover


def read_deep_lab(data: bytes) -> npt.NDArray[np.uint8] | None:
    """Decode a picture in L*a*b* of 16 bits, upright, to 8 bits, a and b around 128: [h, w, 3]; None for others."""
    number, tags = picture_directory(data)
    kind, bits, samples = (int(np.max(tags.get(tag, 1))) for tag in (PHOTOMETRIC, BITS, SAMPLES))
    if kind not in {CIE_LAB, ICC_LAB} or bits != 16 or not 3 <= samples <= MOST_PLANES:
        return None
    separate = int(tags.get(PLANES, 1)) == SEPARATE
    turned = UPRIGHT.get(int(tags.get(ORIENTATION, 1)), np.asarray)
    stored = turned(_with_tifffile(data, number, separate=separate))[:, :, :3].astype(np.uint16)
    if kind == CIE_LAB:
        stored[:, :, 1:] ^= 0x8000
    return np.asarray(np.rint(stored / 257.0), np.uint8)


def _divided(colours: Array, cover: Array) -> Array:
    """Colours as they were before they were multiplied by their alpha; black where nothing of them is left."""
    top = _top(cover.dtype)
    share = cover.astype(np.float64).reshape(cover.shape + (1,) * (colours.ndim - 2)) / top
    whole = np.divide(colours, share, out=np.zeros(colours.shape), where=share > 0)
    return np.clip(whole, 0, top).astype(colours.dtype) if colours.dtype.kind == "u" else whole


def _top(kind: np.dtype[np.generic]) -> float:
    """The number that stands for wholly opaque."""
    return 2.0 ** (8 * kind.itemsize) - 1 if kind.kind == "u" else 1.0


def cover_of(alpha: Array) -> npt.NDArray[np.uint8]:
    """Alpha of any number type as 0-255."""
    return (np.clip(alpha.astype(np.float64) / _top(alpha.dtype), 0, 1) * 255 + 0.5).astype(np.uint8)


def _pixels(data: bytes, tags: ImageFileDirectory_v2, samples: int, number: int) -> Array:
    """All samples of a picture, upright, [h, w] or [h, w, samples], colours in the order of the file."""
    bits, kind = int(np.max(tags.get(BITS, 1))), int(np.max(tags.get(SAMPLE_FORMAT, 1)))
    separate = samples > 1 and int(tags.get(PLANES, 1)) == SEPARATE
    usual = bits in {32, 64} if kind == REAL else 8 < bits <= 16
    if samples in {1, 3, 4} and usual and not separate:
        found = with_opencv(data, number)
        if found is not None and found.size:
            return found  # upright: OpenCV follows the orientation of a TIFF
    turned = UPRIGHT.get(int(tags.get(ORIENTATION, 1)))
    pixels = _with_tifffile(data, number, separate=separate)
    return turned(pixels) if turned else pixels


def with_opencv(data: bytes, number: int = 0) -> Array | None:
    """Decode a picture of the file with OpenCV, colours as RGB; None where it can't."""
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what it can't read is said by others
    stream = np.frombuffer(data, np.uint8)
    pixels: Array | None = None
    if number:
        _, pages = cv2.imdecodemulti(stream, cv2.IMREAD_UNCHANGED, range=(number, number + 1))
        pixels = pages[0] if pages else None
    else:
        pixels = cv2.imdecode(stream, cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    order = [2, 1, 0, *range(3, pixels.shape[2])]
    return pixels[:, :, order] if pixels.shape[2] >= 3 else pixels


def _with_tifffile(data: bytes, number: int, *, separate: bool) -> Array:
    import tifffile

    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages[number]
        try:
            pixels: Array = page.asarray()
        except (ImportError, ValueError) as error:
            if "imagecodecs" not in str(error) and not isinstance(error, ImportError):
                raise
            how = getattr(page.keyframe, "compression", "?")
            raise Refused(
                f"a TIFF packed with {getattr(how, 'name', how)}: reading it needs imagecodecs: pip install imagecodecs"
            ) from None
    return np.moveaxis(pixels, 0, -1) if separate else pixels
