"""Images of a collection as the search for duplicates gets them: rows of IMAGES whose files exist."""

import tempfile
from hashlib import md5
from io import BytesIO
from pathlib import Path

import pandas as pd
from PIL import Image

from curation.dedupe.verification.file_pixels import ImageFiles
from curation.images.image_measures import Settings, measure

FOLDER = tempfile.TemporaryDirectory(prefix="collection-")  # it goes with the process
FILES = ImageFiles(Path(FOLDER.name))


def row(number: int, image: Image.Image, form: str = "PNG", **facts: object) -> dict[str, object]:
    """A row of IMAGES with the id `number`, and its file."""
    buffer = BytesIO()
    options = {"quality": facts.pop("quality", 90)} if form == "JPEG" else {}
    image.save(buffer, form, **options)
    data = buffer.getvalue()
    path = f"{md5(data).hexdigest()}.{form.lower()}"
    (FILES.root / path).write_bytes(data)
    known = {"source": "raw", "label": "cat", "origin": "real", "copy_labels": [], "copy_paths": []}
    known["captured_at"] = ""
    measures = measure(data, path, Settings())._asdict()
    return {**measures, "image_id": f"{number:032x}", "path": path, "bytes": len(data), **known, **facts}


def images(*rows: dict[str, object]) -> pd.DataFrame:
    """The rows as a table."""
    return pd.DataFrame(list(rows))
