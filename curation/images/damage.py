"""Find damage that decoders do not report, from the checksums and sizes that a file holds.

Pillow shows a PNG whose checksums are wrong, and a WebP, GIF, HEIC or AVIF whose container does not add up. Such a
file may still be a good picture, so the result is a note. Compressed pixels hold no long runs of zeros, so a run of
zeros means that a copy of the file was interrupted. BMP, PPM and TIFF hold nothing that can be checked. libjpeg itself
checks JPEG.
"""

import zlib
from collections.abc import Callable

GAP, TAIL = 512, 64  # zero bytes in a row: a disk's sector anywhere, or fewer at the end


def damage(data: bytes, name: str) -> str:
    """Say what does not add up in a file of format `name` (Pillow's), "" when all does or nothing can be checked."""
    check = CHECKS.get(name)
    found = check(data) if check else ""
    if not found and name in COMPRESSED:
        found = _zeros(data)
    return f"damaged {name}: {found}" if found else ""


def _png(data: bytes) -> str:
    """Check the CRC of each chunk (ISO/IEC 15948)."""
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        name = kind.decode("ascii") if kind.isalpha() else "?"
        if end + 4 > len(data):
            return f"chunk {name} is cut short"
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return f"the checksum of chunk {name} is wrong"
        if kind == b"IEND":
            return ""
        at = end + 4
    return "the end chunk is missing"


def _zeros(data: bytes) -> str:
    if bytes(GAP) in data or data.endswith(bytes(TAIL)):
        return "a stretch of it is nothing but zeros"
    return ""


def _webp(data: bytes) -> str:
    """Compare the size that the RIFF header gives; a byte of padding may stand outside."""
    told = int.from_bytes(data[4:8], "little") + 8
    return "" if told <= len(data) <= told + 1 else f"its header tells of {told:,} bytes, the file has {len(data):,}"


def _gif(data: bytes) -> str:
    return "" if data.rstrip(b"\0").endswith(b";") else "its end mark is missing"


def _qoi(data: bytes) -> str:
    return "" if data.endswith(bytes(7) + b"\1") else "its end mark is missing"


def _boxes(data: bytes) -> str:
    """Walk the outermost boxes (ISO/IEC 14496-12): each must end within the file, the last one with it."""
    at = 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size == 0:
            return ""
        if size < 8 or not data[at + 4 : at + 8].isascii():
            break
        at += size
    return "" if at == len(data) else "its boxes do not add up to the file"


CHECKS: dict[str, Callable[[bytes], str]] = {
    "PNG": _png,
    "WEBP": _webp,
    "GIF": _gif,
    "HEIF": _boxes,
    "AVIF": _boxes,
    "QOI": _qoi,
}
COMPRESSED = {"WEBP", "GIF", "AVIF"}
