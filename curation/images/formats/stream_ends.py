"""Files that lack only their last bytes, which hold no pixel: a missing end mark or byte of padding is put back.

Webcams, recorders and interrupted copies leave such files. The decoder then has every pixel and refuses all the same.
A file that lacks pixels stays refused, because its decoder still complains after the end was put back.
"""

from contextlib import suppress

import simplejpeg

from curation.images.jpeg import END, NO_END, ended

NO_PADDING = "the last byte, which is padding, is missing; every pixel is there"


def with_end(data: bytes, name: str) -> tuple[bytes, str] | None:
    """The file with the end that it lacks and a note on it; None where there is nothing to put back."""
    if name == "JPEG":
        with suppress(ValueError):  # libjpeg complains when a pixel is missing; Pillow would show grey there
            whole = ended(data)
            simplejpeg.decode_jpeg(whole, "CMYK")
            return whole, NO_END
    if name == "JPEG2000" and not data.endswith(END):
        return data + END, NO_END
    if name == "WEBP" and int.from_bytes(data[4:8], "little") + 8 == len(data) + 1:
        return data + b"\0", NO_PADDING
    return None
