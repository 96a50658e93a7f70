"""Damaged and hostile files, made from a seed: what benchmarks/hostile.py reads.

Pictures of two dozen kinds of files cut short, with bits flipped, bytes zeroed or pieces swapped; headers that promise
gigapixels; streams that unpack to gigabytes; loops within TIFF directories; and what is no picture at all.
"""

import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

Random = np.random.Generator
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "jpg": ("JPEG", {"quality": 85}),
    "progressive.jpg": ("JPEG", {"quality": 85, "progressive": True}),
    "png": ("PNG", {}),
    "gif": ("GIF", {}),
    "webp": ("WEBP", {"quality": 80}),
    "lossless.webp": ("WEBP", {"lossless": True}),
    "bmp": ("BMP", {}),
    "tif": ("TIFF", {}),
    "lzw.tif": ("TIFF", {"compression": "tiff_lzw"}),
    "jp2": ("JPEG2000", {}),
    "avif": ("AVIF", {}),
    "ppm": ("PPM", {}),
    "ico": ("ICO", {}),
    "tga": ("TGA", {"compression": "tga_rle"}),
    "raw.tga": ("TGA", {}),
    "pcx": ("PCX", {}),
    "dib": ("DIB", {}),
    "heic": ("HEIF", {}),
}


def picture(random: Random, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Make a small picture with something in it."""
    coarse = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
    return Image.fromarray((pixels + random.integers(-9, 10, pixels.shape)).clip(0, 255).astype(np.uint8))


def as_pam(image: Image.Image) -> bytes:
    """Encode as PAM, with alpha."""
    words = f"P7\nWIDTH {image.width}\nHEIGHT {image.height}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    return words.encode() + image.convert("RGBA").tobytes()


def as_sun(image: Image.Image) -> bytes:
    """Encode as a Sun raster file of kind 3: red, green, blue."""
    wide, high = image.size
    body = image.tobytes()
    return struct.pack(">8I", 0x59A66A95, wide, high, 24, len(body), 3, 0, 0) + body


def as_blp(image: Image.Image) -> bytes:
    """Encode as BLP, which has a palette."""
    stream = BytesIO()
    image.quantize(256).save(stream, "BLP", blp_version="BLP2")
    return stream.getvalue()


def as_lab(image: Image.Image) -> bytes:
    """Encode as a TIFF in L*a*b* of 16 bits."""
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = np.asarray(ImageCms.profileToProfile(image, *profiles, outputMode="LAB"), np.uint8)
    high, wide = lab.shape[:2]
    samples = lab.astype("<u2") * 257
    samples[:, :, 1:] += 0x8000  # a* and b* with a sign
    shorts, longs, body = 3, 4, samples.astype("<u2").tobytes()
    fields = [(256, longs, wide), (257, longs, high), (259, shorts, 1), (262, shorts, 8), (277, shorts, 3)]
    entries = [(tag, kind, 1, value) for tag, kind, value in [*fields, (278, longs, high), (279, longs, len(body))]]
    start = 8 + 2 + 12 * (len(entries) + 2) + 4
    head = tiff([*entries, (258, shorts, 3, start), (273, longs, 1, start + 6)])[:start]
    return head + struct.pack("<3H", 16, 16, 16) + body


WRITTEN: dict[str, Callable[[Image.Image], bytes]] = {"pam": as_pam, "ras": as_sun, "blp": as_blp, "lab.tif": as_lab}


def good_files(random: Random, each: int = 12, size: tuple[int, int] = (160, 120)) -> dict[str, list[bytes]]:
    """Make good files of each format that can be written here, by suffix."""
    try:
        import pillow_heif

        pillow_heif.register_heif_opener()
    except ImportError:
        FORMATS.pop("heic", None)
    good: dict[str, list[bytes]] = {}
    for suffix, (name, options) in FORMATS.items():
        for _ in range(each):
            stream = BytesIO()
            picture(random, size).save(stream, name, **options)
            good.setdefault(suffix, []).append(stream.getvalue())
    for suffix, encode in WRITTEN.items():
        good[suffix] = [encode(picture(random, size)) for _ in range(each)]
    return good


def cut(data: bytes, random: Random) -> bytes:
    """Truncate somewhere."""
    return data[: int(random.integers(1, len(data) - 2))]


def flip(data: bytes, random: Random) -> bytes:
    """Flip up to 40 bits."""
    broken = bytearray(data)
    for at in random.integers(0, len(data), int(random.integers(1, 40))):
        broken[at] ^= 1 << int(random.integers(8))
    return bytes(broken)


def wipe(data: bytes, random: Random) -> bytes:
    """Zero a stretch."""
    start = int(random.integers(0, len(data)))
    return data[:start] + bytes(min(int(random.integers(1, 4000)), len(data) - start)) + data[start + 4000 :]


def swap(data: bytes, random: Random) -> bytes:
    """Swap two halves of the rest after a random place."""
    start = int(random.integers(0, len(data) - 2))
    middle = (start + len(data)) // 2
    return data[:start] + data[middle:] + data[start:middle]


def header(data: bytes, random: Random) -> bytes:
    """Write noise over the first hundred bytes, but for the first twelve."""
    broken = bytearray(data)
    for at in random.integers(12, min(len(data), 100), 12):
        broken[at] = int(random.integers(256))
    return bytes(broken)


DAMAGE: tuple[Callable[[bytes, Random], bytes], ...] = (cut, flip, wipe, swap, header)


def png(wide: int, high: int, body: bytes, *chunks: tuple[bytes, bytes], depth: bytes = b"\x08\x00") -> bytes:
    """Make a PNG with any header over any stream."""
    parts = [(b"IHDR", struct.pack(">II", wide, high) + depth + b"\0\0\0"), *chunks, (b"IDAT", body), (b"IEND", b"")]
    made = [
        struct.pack(">I", len(load)) + kind + load + struct.pack(">I", zlib.crc32(kind + load)) for kind, load in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def tiff(entries: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    """Make a little-endian TIFF from directory entries (tag, type, count, value) and the place of the next."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + struct.pack("<I", following) + bytes(64)


def bombs(random: Random) -> dict[str, bytes]:
    """Make files that ask for far more than they are worth."""
    zeros = zlib.compress(bytes(20_000_000), 9)
    huge = int(random.integers(40_000, 2**31 - 1))
    side = int(random.integers(9_000, 15_000))
    plane = [
        (256, 4, 1, huge),
        (257, 4, 1, huge),
        (258, 3, 1, 8),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (279, 4, 1, 8),
        (278, 4, 1, huge),
    ]
    gif = b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\x80\0\0" + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x44\x01\0"
    return {
        "gigapixel.png": png(huge, huge, zeros),
        "square.png": png(side, side, zlib.compress(bytes(1000), 9)),
        "text.png": png(9, 9, zlib.compress(bytes(100)), (b"zTXt", b"k\0\0" + zeros)),
        "profile.png": png(9, 9, zlib.compress(bytes(100)), (b"iCCP", b"k\0\0" + zeros)),
        "nothing.png": png(0, 0, zlib.compress(b"")),
        "gigapixel.tif": tiff(plane),
        "circle.tif": tiff([(256, 4, 1, 9), (257, 4, 1, 9)], following=8),
        "tags.tif": tiff([(256, 4, 2**31, 0), (257, 4, 2**30, 4), (273, 4, 2**29, 8)]),
        "frames.gif": gif + frame * 2000 + b";",
        "size.bmp": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, huge, -huge, 1, 24, 0, 0, 0, 0, 0, 0),
        "size.ppm": f"P6 {huge} {huge} 255\n".encode() + bytes(100),
        "size.webp": b"RIFF\xff\xff\xff\x7fWEBPVP8X\n\0\0\0\0\0\0\0" + b"\xff" * 6 + bytes(40),
        "size.jpg": b"\xff\xd8\xff\xc0\0\x11\x08\xff\xdc\xff\xdc\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xda"
        + bytes(40),
        "size.jp2": b"\xff\x4f\xff\x51\0\x29\0\0" + struct.pack(">II", huge, huge) + bytes(60),
        "size.ico": b"\0\0\1\0\1\0\0\0\0\0\1\0\x20\0" + struct.pack("<II", 2**31, 22) + png(huge, huge, zeros)[:200],
    }


def strangers(random: Random) -> dict[str, bytes]:
    """Make files that are no pictures, under a picture's name."""
    lol = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;</svg>'
    return {
        "empty.jpg": b"",
        "noise.png": random.bytes(int(random.integers(1, 5000))),
        "zeros.jpg": bytes(int(random.integers(1, 5000))),
        "page.jpg": b"<!DOCTYPE html><html><body>404</body></html>",
        "note.png": "Bild fehlt \u2013 siehe Notiz\n".encode(),
        "drawing.jpg": lol,
        "paper.jpg": b"%PDF-1.7\n" + random.bytes(200),
        "script.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n{} loop\n",
        "archive.jpg": b"PK\x03\x04" + random.bytes(200),
        "film.jpg": struct.pack(">I", 24) + b"ftypisom" + bytes(12) + random.bytes(200),
        "pointer.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "jxl.jpg": b"\xff\x0a" + random.bytes(200),
        "start.jpg": b"\xff\xd8\xff",
        "start.png": b"\x89PNG\r\n\x1a\n",
        "start.heic": b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + random.bytes(300),
        "start.avif": b"\0\0\0\x18ftypavif\0\0\0\0avifmif1" + random.bytes(300),
        "psd.jpg": b"8BPS\0\1" + random.bytes(300),
        "dds.jpg": b"DDS " + random.bytes(300),
        "qoi.jpg": b"qoif" + random.bytes(300),
        "icns.jpg": b"icns" + random.bytes(300),
    }


def write_hostile(folder: Path, number: int, seed: int) -> dict[str, bytes]:
    """Fill a folder with `number` hostile files, and what are not even files; what each damaged one was before."""
    random = np.random.default_rng(seed)
    good = good_files(random)
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.jpg")
    (folder / "nowhere.jpg").symlink_to("not-there.jpg")
    (folder / "round").symlink_to(".")
    (Path(os.fsencode(folder).decode() + "/") / os.fsdecode(b"name-\xff\xfe.jpg")).write_bytes(good["jpg"][0])
    (folder / "line\nbreak.jpg").write_bytes(b"")
    made, before = 5, {}
    while made < number:
        odd = bombs(random) | strangers(random) if made < number * 0.15 else {}
        batch = [(name, data, b"") for name, data in odd.items()]
        for suffix, files in good.items():
            for damage in DAMAGE:
                victim = files[int(random.integers(len(files)))]
                batch.append((f"{damage.__name__}.{suffix}", damage(victim, random), victim))
        for name, data, victim in batch[: number - made]:
            path = folder / f"{made:06}-{name}"
            path.write_bytes(data)
            if victim:
                before[path.name] = victim
            made += 1
    return before
