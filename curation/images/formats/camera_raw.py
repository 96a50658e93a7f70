"""Raw files of cameras (DNG, NEF, CR2, CR3, ARW, RAF, ORF, RW2): developed by LibRaw, or refused by name.

Such a file also holds a small preview picture, and readers of TIFF take that for the picture. Here the sensor's data
is developed with the camera's white balance, as photo viewers show it. It needs the package rawpy.
"""

from io import BytesIO

from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from curation.images.formats.deep_tiff import directory_at, first_directory
from curation.images.formats.refused import Refused

SUBFILE, MAKE, SUB_IFDS, DNG_VERSION = 254, 271, 330, 50706
CFA, LINEAR_RAW, PHOTOMETRIC = 32803, 34892, 262
MAGIC = {
    b"FUJIFILMCCD-RAW": "Fujifilm RAF",
    b"IIRO": "Olympus ORF",
    b"IIRS": "Olympus ORF",
    b"MMOR": "Olympus ORF",
    b"IIU\0": "Panasonic RW2",
    b"FOVb": "Sigma X3F",
}
MAKERS = {"NIKON": "Nikon NEF", "SONY": "Sony ARW", "PENTAX": "Pentax PEF", "SAMSUNG": "Samsung SRW"}


def raw_by_magic(head: bytes) -> str:
    """The kind of a raw file that its first bytes tell, "" for anything else."""
    if head[4:12] == b"ftypcrx ":
        return "Canon CR3"
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), "")


def raw_in_tiff(data: bytes) -> str:
    """The kind of a raw file that is built as a TIFF, "" for a TIFF that is a picture."""
    if data[8:10] == b"CR":
        return "Canon CR2"
    tags = first_directory(data)
    if DNG_VERSION in tags:
        return "DNG"
    if tags.get(PHOTOMETRIC) in {CFA, LINEAR_RAW}:
        return "raw TIFF"
    maker = str(tags.get(MAKE, "")).upper()
    named = next((kind for name, kind in MAKERS.items() if maker.startswith(name)), "raw TIFF")
    preview = int(tags.get(SUBFILE, 0)) & 1 and SUB_IFDS in tags
    return named if preview or _mosaic_below(data, tags) else ""


def _mosaic_below(data: bytes, tags: ImageFileDirectory_v2) -> bool:
    """Whether a directory below the first one holds the mosaic of a sensor."""
    below = tags.get(SUB_IFDS, ())
    for offset in below if isinstance(below, tuple) else (below,):
        under = directory_at(data, ImageFileDirectory_v2(data[:4] + bytes(4)), int(offset))
        if under.get(PHOTOMETRIC) in {CFA, LINEAR_RAW}:
            return True
    return False


def develop(data: bytes, kind: str) -> Image.Image:
    """Develop a raw file to upright RGB in sRGB; Refused says why it can't be."""
    try:
        import rawpy
    except ImportError:
        raise Refused(f"a camera's raw file ({kind}): reading it needs rawpy: pip install 'curation[raw]'") from None
    try:
        with rawpy.imread(BytesIO(data)) as raw:
            return Image.fromarray(raw.postprocess(use_camera_wb=True).squeeze()).convert("RGB")
    except rawpy.LibRawError as error:
        raise Refused(f"a camera's raw file ({kind}) that LibRaw can't develop: {error}") from None
