"""What a file is by its first bytes, whatever its name says.

The names of formats are Pillow's, with RAW and DICOM beside them. Formats that start another program are not read,
such as EPS, which starts Ghostscript. Everything else gets the words that a person needs to mend it.
"""

from curation.images.formats.camera_raw import raw_by_magic
from curation.images.formats.headers_without_magic import by_header
from curation.images.formats.refused import Refused

EMPTY = "the file is empty (0 bytes)"
MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF8", "GIF"),
    (8, b"WEBP", "WEBP"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG2000"),
    (0, b"qoif", "QOI"),
    (0, b"\xff\x0a", "JXL"),
    (0, b"\0\0\0\x0cJXL ", "JXL"),
    (128, b"DICM", "DICOM"),
    (0, b"\0\0\1\0", "ICO"),
    (0, b"icns", "ICNS"),
    (0, b"8BPS", "PSD"),
    (0, b"DDS ", "DDS"),
    (0, b"\x01\xda", "SGI"),
    (0, b"P7\n", "PAM"),
    (0, b"\x59\xa6\x6a\x95", "SUN"),
    (0, b"BLP1", "BLP"),
    (0, b"BLP2", "BLP"),
    *((0, b"P" + digit, "PPM") for digit in (b"1", b"2", b"3", b"4", b"5", b"6", b"f")),
)
BRANDS = {b"avif": "AVIF", b"avis": "AVIF"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"), "HEIF"
)
OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"%!PS", "PostScript"),
    (b"version https://git-lfs", "a Git LFS pointer: run `git lfs pull`"),
    (b"\x7fELF", "a program"),
    (b"v/1\x01", "an OpenEXR file, which is not read here: save it as TIFF or PNG"),
    (b"#?RADIANCE", "a Radiance HDR file, which is not read here: save it as TIFF or PNG"),
    (b"MM\0+", "a BigTIFF with the high byte first, which is not read here: save it as TIFF"),
    (b"SIMPLE  =", "a FITS file, which is not read here: save it as TIFF or PNG"),
    (b"/* XPM */", "an XPM drawing, which is not read here: save it as PNG"),
    (b"II\xbc\x01", "a JPEG XR file, which is not read here: save it as JPEG or PNG"),
    (b"gimp xcf", "a GIMP file, which is not read here: export it as PNG"),
    (b"PF\n", "a colour PFM file, which is not read here: save it as TIFF or PNG"),
)
SUFFIXES = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"},
    "PNG": {".png", ".apng"},
    "GIF": {".gif"},
    "WEBP": {".webp"},
    "BMP": {".bmp", ".dib"},
    "DIB": {".bmp", ".dib"},
    "TIFF": {".tif", ".tiff"},
    "RAW": {".dng", ".nef", ".cr2", ".cr3", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw", ".x3f"},
    "JXL": {".jxl"},
    "DICOM": {".dcm", ".dicom"},
    "TGA": {".tga", ".icb", ".vda", ".vst"},
    "PCX": {".pcx"},
    "PAM": {".pam"},
    "HEIF": {".heic", ".heif", ".hif"},
    "AVIF": {".avif", ".avifs"},
}
KNOWN_SUFFIXES = frozenset().union(*SUFFIXES.values())


class NotAnImage(Refused):
    """Bytes of something else; the message says what."""


def sniff(head: bytes) -> str:
    """Name the image format of a file's first bytes (512 are enough), or raise NotAnImage."""
    if not head:
        raise NotAnImage(EMPTY)
    if raw_by_magic(head):
        return "RAW"
    for offset, magic, name in MAGIC:
        if head.startswith(magic, offset):
            return name
    if head[4:8] == b"ftyp":
        return _brand(head)
    if found := by_header(head):
        return found
    raise NotAnImage(f"not an image: {_other(head)}")


def mislabelled(name: str, suffix: str) -> str:
    """Say so if a file's suffix promises another format than it holds, "" otherwise."""
    promised = suffix.lower()
    if promised not in KNOWN_SUFFIXES or promised in SUFFIXES.get(name, KNOWN_SUFFIXES - {promised}):
        return ""
    return f"{name} data in a file named {promised}"


def _brand(head: bytes) -> str:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))]
    found = [BRANDS[brand] for brand in brands if brand in BRANDS]
    if not found:
        raise NotAnImage("not an image: a video (MP4 or QuickTime)")
    return "AVIF" if "AVIF" in found else "HEIF"


def _other(head: bytes) -> str:
    for magic, words in OTHERS:
        if head.startswith(magic):
            return words
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page, saved in place of the picture"
    if b"<svg" in start:
        return "an SVG drawing, which has no pixels"
    if not head.strip(b"\0"):
        return "nothing but zero bytes, as a broken copy leaves"
    if head.startswith(b"RIFF"):
        return "sound or video (RIFF)"
    return "text" if _is_text(head) else "its first bytes are of no format that is read here"


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return False
        text = head[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter in "\t\r\n\f" for letter in text)
