"""Pillow with its plugins: HEIC and JPEG XL need one more package each, and it is imported when such a file comes."""

from io import BytesIO

from PIL import Image

from curation.images.formats.refused import Refused


def open_with_pillow(data: bytes, name: str) -> Image.Image:
    """Open a file of the format `name` without decoding it; Refused names the package that is missing."""
    if name == "JXL":
        try:
            import pillow_jxl  # type: ignore[import-untyped,unused-ignore]  # noqa: F401 - it registers itself
        except ImportError:
            raise Refused("JPEG XL needs pillow-jxl-plugin: pip install 'curation[jxl]'") from None
    if name == "HEIF":
        try:
            import pillow_heif  # type: ignore[import-untyped,unused-ignore]
        except ImportError:
            raise Refused("HEIC needs pillow-heif: pip install 'curation[heic]'") from None
        pillow_heif.register_heif_opener()
    return Image.open(BytesIO(data), formats=(name,))
