"""PAM, the youngest of netpbm's formats (P7), which Pillow does not read: a header of words, and the bare samples.

Written after netpbm's description (https://netpbm.sourceforge.net/doc/pam.html).
"""

import numpy as np
from PIL import Image

from curation.images.formats.deep_pixels import to_eight_bits

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
END = b"ENDHDR\n"
LONGEST_HEADER = 65_536


def read_pam(data: bytes) -> tuple[Image.Image, str]:
    """Decode the first picture to L, LA, RGB, RGBA or CMYK, and a note on its scale; ValueError where it can't be."""
    said, start = _header(data)
    wide, high, depth, most = (int(said.get(name, "0")) for name in ("WIDTH", "HEIGHT", "DEPTH", "MAXVAL"))
    if min(wide, high) < 1 or high < 1 or depth not in MODES or not 0 < most < 65_536:
        raise ValueError(f"a PAM of {wide} x {high} with {depth} samples up to {most}")
    kind, count = np.dtype(np.uint8 if most < 256 else ">u2"), wide * high * depth
    if len(data) - start < count * kind.itemsize:
        raise ValueError("image file is truncated")
    samples = np.frombuffer(data, kind, count, start).reshape(high, wide, depth)
    cover = samples[:, :, depth - 1 :] if depth in {2, 4} else samples[:, :, :0]
    if said.get("TUPLTYPE", "").startswith("CMYK"):
        return Image.fromarray(_scaled(samples, most), "CMYK"), ""
    shown, note = _scaled(samples, most), ""
    if most >= 256:
        colours, note = to_eight_bits(samples[:, :, : depth - cover.shape[2]].astype(np.uint16), float(most % 65_535))
        shown = np.concatenate([colours, _scaled(cover, most)], axis=2)
    return Image.fromarray(shown[:, :, 0] if depth == 1 else shown, MODES[depth]), note


def _scaled(samples: np.ndarray, most: int) -> np.ndarray:
    """Samples up to `most` as 0-255."""
    return np.minimum(np.rint(samples * (255.0 / most)), 255).astype(np.uint8)


def _header(data: bytes) -> tuple[dict[str, str], int]:
    """The words of the header by their names, and where the samples start."""
    end = data.find(END, 0, LONGEST_HEADER)
    if end < 0:
        raise ValueError("a PAM whose header has no end")
    said: dict[str, str] = {}
    for line in data[2:end].decode("latin-1").splitlines():
        name, _, value = line.strip().partition(" ")
        if name and not name.startswith("#"):
            said[name] = f"{said[name]} {value.strip()}" if name == "TUPLTYPE" and name in said else value.strip()
    return said, end + len(END)
