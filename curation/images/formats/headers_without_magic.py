"""Formats that no fixed first bytes tell: TGA, PCX and DIB are known by a header whose fields all make sense.

A TGA of version 2 has a name at its end, but those of version 1, which programs still write, have none. So every field
of the header is held against what the standards allow; random bytes pass in one file of a million or fewer.
"""

import struct

MAPPED = {1, 9}  # kinds of TGA with a colour map
DEPTHS = {1: {8}, 9: {8}, 2: {16, 24, 32}, 10: {16, 24, 32}, 3: {1, 8, 16}, 11: {1, 8, 16}}  # bits a pixel, by kind
MAP_DEPTHS = {15, 16, 24, 32}  # bits of an entry in a colour map
PCX_PLANES = {(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (4, 1), (8, 1), (8, 3), (8, 4)}  # bits a sample, planes
DIB_HEADER, DIB_BITS = 40, {1, 4, 8, 16, 24, 32}


def by_header(head: bytes) -> str:
    """Name the format of a file's first bytes, "" where it is none of these."""
    found = (name for name, fits in (("TGA", _is_tga), ("PCX", _is_pcx), ("DIB", _is_dib)) if fits(head))
    return next(found, "")


def _is_tga(head: bytes) -> bool:
    if len(head) < 18:
        return False
    mapped, kind, first, length, depth_of_map = struct.unpack("<BBHHB", head[1:8])
    wide, high, depth, flags = struct.unpack("<HHBB", head[12:18])
    if kind not in DEPTHS or depth not in DEPTHS[kind] or not wide or not high or flags & 0xC0 or flags & 15 > 8:
        return False
    if kind in MAPPED:
        return mapped == 1 and depth_of_map in MAP_DEPTHS and length > 0 and first + length <= 256
    return mapped == 0 and not (first or length or depth_of_map)


def _is_pcx(head: bytes) -> bool:
    if len(head) < 128 or head[0] != 10 or head[1] not in {0, 2, 3, 4, 5} or head[2] != 1 or head[64]:
        return False
    left, upper, right, lower = struct.unpack("<4H", head[4:12])
    across = struct.unpack("<H", head[66:68])[0]
    enough = 8 * across >= (right - left + 1) * head[3]
    return (head[3], head[65]) in PCX_PLANES and left <= right and upper <= lower and enough


def _is_dib(head: bytes) -> bool:
    if len(head) < DIB_HEADER:
        return False
    size, wide, high, planes, bits, packed = struct.unpack("<IiiHHI", head[:20])
    return size == DIB_HEADER and wide > 0 and high != 0 and planes == 1 and bits in DIB_BITS and packed <= 3
