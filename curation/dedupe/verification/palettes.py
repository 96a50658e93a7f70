"""A picture in the few colours of another one, as a GIF file shows it.

Such a file gives each pixel the nearest of at most 256 colours, so smooth areas become flat patches that stand out from
the original. Where the original is given the same colours, they stand out no more. A pixel that is far from all of them
keeps its own colour, so no new thing can be hidden.
"""

import cv2
import numpy as np

from curation.dedupe.verification.compared_picture import PALETTE, ComparedPicture, Pixels, colours_in, shrink

FEWEST = 64  # colours of a palette; with fewer it is a drawing, which is not repainted
FAR = 48  # grey levels from the nearest colour, in one of the channels, from which a pixel keeps its own
BLOCK = 8192  # pixels that are painted at a time


def in_one_palette(one: ComparedPicture, other: ComparedPicture) -> tuple[ComparedPicture, ComparedPicture] | None:
    """Both pictures, one of them repainted in the palette of the other; None where not exactly one has a palette."""
    if one.has_few_colours == other.has_few_colours:
        return None
    painted, whole = (one, other) if one.has_few_colours else (other, one)
    palette = None if painted.tinted else palette_of(painted.raw())  # any grey picture has at most 256 colours
    if palette is None:
        return None
    repainted = _repainted(whole, palette, painted.long_side)
    return (one, repainted) if painted is one else (repainted, other)


def palette_of(pixels: Pixels) -> Pixels | None:
    """The colours of uint8 [h, w, 3], uint8 [k, 3]; None where they are too few or too many."""
    colours = colours_in(pixels)
    if not FEWEST <= len(colours) <= PALETTE:
        return None
    return np.stack([colours & 255, colours >> 8 & 255, colours >> 16], 1).astype(np.uint8)


def _repainted(picture: ComparedPicture, palette: Pixels, long_side: int) -> ComparedPicture:
    """The picture with each pixel in the nearest colour of a palette, as a file of `long_side` pixels has it."""
    pixels = shrink(picture.raw(), long_side)
    near = _nearest(pixels, palette)
    far = np.abs(near.astype(np.int16) - pixels).max(axis=2) > FAR
    near[far] = pixels[far]
    pixels = np.asarray(cv2.resize(near, (picture.width, picture.height), interpolation=cv2.INTER_AREA))
    return ComparedPicture(lambda _: pixels, long_side)


def _nearest(pixels: Pixels, palette: Pixels) -> Pixels:
    """The colour of the palette that is the nearest to each pixel."""
    colours = palette.astype(np.float32)
    sizes = (colours * colours).sum(axis=1)
    flat = pixels.reshape(-1, 3)
    found = [(sizes - 2 * (some.astype(np.float32) @ colours.T)).argmin(axis=1) for some in _blocks(flat)]
    return np.asarray(palette[np.concatenate(found)].reshape(pixels.shape))


def _blocks(flat: Pixels) -> list[Pixels]:
    return [flat[low : low + BLOCK] for low in range(0, len(flat), BLOCK)]
