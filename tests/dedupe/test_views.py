"""Crops, padding, frames and small turns are proposed as candidates, in every orientation."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from curation.dedupe.candidates import candidates
from curation.dedupe.image_arrays import from_frame
from curation.dedupe.thumbnail_agreement import similarities
from curation.images.image_measures import Settings, measure_opened
from curation.images.opening import Opened
from curation.params.blocks import Dedupe


def picture(seed):
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(Image.fromarray(rng.integers(0, 256, (n, n, 3), np.uint8)).resize((400, 300), Image.BICUBIC))
        for n in (3, 5, 9, 17)
    ]
    return Image.fromarray(np.mean(layers, axis=0, dtype=np.float64).astype(np.uint8))


def screen(image):
    out = Image.new("RGB", (400, 860), "white")
    out.paste(image, (0, 240))
    return out


def box(image, x, y):
    out = image.copy()
    out.paste((70, 70, 70), (x, y, x + 80, y + 90))
    return out


EDITS = {
    "crop": lambda image: image.crop((40, 30, 360, 270)),
    "corner": lambda image: image.crop((50, 36, 400, 300)),
    "crop, mirrored, turned": lambda image: ImageOps.mirror(image.crop((34, 24, 366, 276))).rotate(90, expand=True),
    "square": lambda image: ImageOps.pad(image, (400, 400), color="white"),
    "frame": lambda image: ImageOps.expand(image, 40, "black"),
    "screen": screen,
    "turned": lambda image: image.rotate(8, Image.BICUBIC),
    "box in the middle": lambda image: box(image, 150, 100),
    "box below": lambda image: box(image, 230, 150),
    "box at the left": lambda image: box(image, 80, 70),
}


def row(number, image):
    facts = {"image_id": f"{number:032x}", "path": f"{number}.png", "source": "raw", "label": "cat", "origin": "real"}
    measured = measure_opened(Opened(image, "PNG", *image.size, ""), Settings())._asdict()
    return {**measured, **facts, "copy_labels": [], "captured_at": "", "bytes": 1}


@pytest.mark.parametrize("kind", EDITS)
def test_an_edited_copy_is_proposed_and_its_thumbnail_agrees(kind):
    images = [image for seed in range(8) for image in (picture(seed), EDITS[kind](picture(seed)))]
    pictures = from_frame(pd.DataFrame([row(number, image) for number, image in enumerate(images)]))
    agreed = set()
    with ThreadPoolExecutor(2) as threads:
        for pairs in candidates(pictures, Dedupe(), threads, 2):
            found = similarities(pictures.thumbnails, pictures.contents, pairs)
            agreed |= {tuple(sorted(pair)) for pair in pairs[found >= 0.6, :2].tolist()}
    truth = {(2 * seed, 2 * seed + 1) for seed in range(8)}
    assert len(agreed & truth) >= 7
    assert len(agreed - truth) <= 1
