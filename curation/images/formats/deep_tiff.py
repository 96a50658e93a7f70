"""The pixels of a TIFF of more than 8 bits a sample, whatever number type and arrangement it has.

OpenCV decodes the usual arrangement, in any compression. It reads separate colour planes as noise, without an error,
and knows no half-precision or 64-bit numbers: tifffile (C. Gohlke) reads those.
"""

from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL.TiffImagePlugin import ImageFileDirectory_v2

BITS, PHOTOMETRIC, SAMPLES, PLANES, EXTRA, SAMPLE_FORMAT, PROFILE = 258, 262, 277, 284, 338, 339, 34675
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
SEPARATE, REAL = 2, 3
ALPHA = {1, 2}  # what an extra sample may be said to be; 0 says nothing

Array = npt.NDArray[np.generic]


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


def bits_of(tags: ImageFileDirectory_v2) -> int:
    """The bits of the widest sample."""
    return int(np.max(tags.get(BITS, 1)))


def read_deep_tiff(data: bytes) -> tuple[Array, Array | None] | None:
    """Decode the first picture: colours [h, w] or [h, w, 3] and alpha [h, w] or None, in the file's own numbers.

    None where it is neither grey nor RGB.
    """
    tags = first_directory(data)
    kind, samples = int(tags.get(PHOTOMETRIC, BLACK_IS_ZERO)), int(tags.get(SAMPLES, 1))
    colours = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3}.get(kind, 0)
    if not colours or not colours <= samples <= 8:
        return None
    pixels = _pixels(data, tags, samples)
    if pixels.ndim == 2:
        return pixels, None
    extra = tags.get(EXTRA, (0,))
    covered = samples > colours and int(np.ravel(extra)[0]) in ALPHA
    shown = pixels[:, :, 0] if colours == 1 else pixels[:, :, :3]
    return shown, pixels[:, :, colours] if covered else None


def _pixels(data: bytes, tags: ImageFileDirectory_v2, samples: int) -> Array:
    """All samples, [h, w] or [h, w, samples], colours in the order of the file."""
    bits, real = bits_of(tags), int(np.max(tags.get(SAMPLE_FORMAT, 1))) == REAL
    separate = samples > 1 and int(tags.get(PLANES, 1)) == SEPARATE
    usual = bits in {32, 64} if real else bits <= 16
    if samples in {1, 3, 4} and usual and not separate:
        found = with_opencv(data)
        if found is not None and found.size:
            return found
    return _with_tifffile(data, separate=separate)


def with_opencv(data: bytes) -> Array | None:
    """Decode with OpenCV, colours as RGB; None where it can't."""
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what it can't read is said by others
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 1:
        return pixels[:, :, 0]
    order = [2, 1, 0, *range(3, pixels.shape[2])]
    return pixels[:, :, order] if pixels.shape[2] >= 3 else pixels


def _with_tifffile(data: bytes, *, separate: bool) -> Array:
    import tifffile

    with tifffile.TiffFile(BytesIO(data)) as file:
        pixels: Array = file.pages[0].asarray()
    return np.moveaxis(pixels, 0, -1) if separate else pixels
