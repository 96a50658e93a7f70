"""Bursts as a proposal for `group`: pictures that one camera took within seconds of each other.

The time is `captured_at` of the metadata or that of EXIF; the camera is EXIF's maker, model and serial number. Whether
a burst must stay together is for a person to say, so these are rows for metadata.csv and nothing more.
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from curation.dedupe.relations.bursts import bursts, seconds_of
from curation.engine.progress import track
from curation.images.formats.exif import EXIF_IFD, MAKER, MODEL, exif_time
from curation.project.places import RAW
from curation.tables.codes import Source

SERIAL = 0xA431  # of EXIF: BodySerialNumber, which tells two cameras of one model apart and is stored nowhere else
COLUMNS = ["file_name", "group", "captured_at", "camera"]
FROM_IMAGES = ["image_id", "path", "source", "group", "captured_at", "error"]


def suggested_groups(images: pd.DataFrame, root: Path) -> pd.DataFrame:
    """Rows for data/raw/metadata.csv: COLUMNS, one for each picture of a burst, in the order of bursts and times.

    images: FROM_IMAGES of IMAGES. Pictures that have a group already are left as they are.
    """
    rows = images[(images["source"] == Source.RAW) & (images["error"] == "") & (images["group"] == "")]
    rows = rows.sort_values("image_id", ignore_index=True)
    facts = [exif_facts(root / path) for path in track(rows["path"].tolist(), len(rows), "EXIF", "img")]
    told = pd.DataFrame(facts, columns=["taken", "camera"])
    times = rows["captured_at"].where(rows["captured_at"] != "", told["taken"])
    seconds = [seconds_of(text) for text in times]
    found = []
    for camera, members in told.groupby("camera", sort=True).indices.items():
        where = np.asarray(members, np.int32)
        pairs = bursts(where, [seconds[row] for row in where])
        found += [(str(camera), burst) for burst in _chains(pairs)]
    lines = [
        {
            "file_name": Path(rows["path"][row]).relative_to(RAW).as_posix(),
            "group": f"burst {rows['image_id'][burst[0]][:12]}",
            "captured_at": times[row],
            "camera": camera,
        }
        for camera, burst in found
        for row in burst
    ]
    return pd.DataFrame(lines, columns=COLUMNS)


def exif_facts(path: Path) -> tuple[str, str]:
    """When a picture was taken, and by which camera, as EXIF says; "" where it says nothing."""
    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("ignore")
            exif = image.getexif()
            more = exif.get_ifd(EXIF_IFD)
    except Exception:  # noqa: BLE001 - whatever broken metadata raises, it tells nothing
        return "", ""
    words = [str(part).strip().strip("\0") for part in (exif.get(MAKER), exif.get(MODEL), more.get(SERIAL)) if part]
    return exif_time(more), " ".join(filter(None, words))


def _chains(pairs: np.ndarray) -> list[list[int]]:
    """Rows that follow each other, as `bursts` gives the pairs: each burst in the order of its times."""
    chains: list[list[int]] = []
    for first, second in pairs.tolist():
        if chains and chains[-1][-1] == first:
            chains[-1].append(second)
        else:
            chains.append([first, second])
    return chains
