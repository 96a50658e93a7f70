"""Damage that decoders pass over in silence: Pillow shows a PNG whose checksums are wrong."""

import zlib


def png_damage(data: bytes) -> str:
    """Check the CRC of each chunk of a PNG (ISO/IEC 15948); "" when all agree."""
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        end = at + 8 + length
        kind = data[at + 4 : at + 8]
        if end + 4 > len(data):
            return f"damaged PNG: chunk {_name(kind)} is cut short"
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return f"damaged PNG: the checksum of chunk {_name(kind)} is wrong"
        if kind == b"IEND":
            return ""
        at = end + 4
    return "damaged PNG: the end chunk is missing"


def _name(kind: bytes) -> str:
    return kind.decode("ascii", "replace") if kind.isalpha() else "?"
