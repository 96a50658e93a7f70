"""Small pictures in a page: an image file becomes a data URI, so that the page needs no other file."""

import base64
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from curation.images.opening import UnreadableImage, open_image

QUALITY = 80  # of the JPEG


@dataclass(frozen=True)
class Tile:
    """One image of a page: its file, the text below it, and a badge that marks it ("" for none).

    `name` is the text for screen readers; the default is the name of the file.
    """

    path: Path
    caption: str
    badge: str = ""
    name: str = ""

    @property
    def alt(self) -> str:
        """The text for screen readers."""
        return self.name or self.path.name or "image"


@dataclass(frozen=True)
class Picture:
    """What a page shows for a tile. `reason` says why it is a grey square; it is "" for the image itself."""

    source: str
    reason: str = ""


def picture(tile: Tile, side: int) -> Picture:
    """Return the picture of a tile, `side` pixels long. A file that can't be opened gives a crossed-out square."""
    try:
        return Picture(tile_data_uri(tile.path, side))
    except UnreadableImage as error:
        return Picture(_uri(_crossed_out(side), side), error.reason)


def tile_data_uri(path: Path, thumbnail: int = 128) -> str:
    """Return a data URI (JPEG) of an image file, reduced to `thumbnail` pixels. Raises UnreadableImage."""
    return _uri(open_image(path, reduce_to=thumbnail), thumbnail)


def _uri(image: Image.Image, thumbnail: int) -> str:
    image = image.copy()
    image.thumbnail((thumbnail, thumbnail), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _crossed_out(side: int) -> Image.Image:
    image = Image.new("RGB", (side, side), (160, 160, 160))
    draw = ImageDraw.Draw(image)
    draw.line((0, 0, side, side), fill=(110, 110, 110), width=3)
    draw.line((0, side, side, 0), fill=(110, 110, 110), width=3)
    return image
