"""A small round for the identification tests: a real checkpoint that reads colours, and makers of tables."""

from pathlib import Path

import factories.tables
import numpy as np
import pytest
from PIL import Image

CLASSES = ("blue", "green", "red")
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A checkpoint that names an image by its main colour."""
    from curation.model.header import Header
    from curation.model.scorer import Scorer

    path = tmp_path_factory.mktemp("model") / "candidate.safetensors"
    train_colours(path, Header)
    Scorer(path)
    return path


def train_colours(path: Path, header_type):
    """Fit the head of a random resnet18 of 16 pixels to three colours, and write it as the trainer does."""
    import torch
    from sklearn.linear_model import LogisticRegression

    from curation.model.backbone import Spec, build
    from curation.model.checkpoint import save

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = build(Spec("resnet18", 16), 3).eval()
    truth = np.arange(120) % 3
    pixels = np.stack([colour_pixels(CLASSES[index], rng, 16) for index in truth])
    head, model.fc = model.fc, torch.nn.Identity()
    with torch.inference_mode():
        features = model(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1).numpy()
    fitted = LogisticRegression(max_iter=2000).fit(features, truth)
    head.weight.data, head.bias.data = (
        torch.tensor(values, dtype=torch.float32) for values in (fitted.coef_, fitted.intercept_)
    )
    model.fc = head
    save(path, model.state_dict(), header_type("resnet18", CLASSES, 16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))


def colour_pixels(label: str, rng: np.random.Generator, size: int = 16) -> np.ndarray:
    """A noisy patch of a class's colour, uint8 [size, size, 3]; any other label is grey noise."""
    base = np.array(COLOURS.get(label, (128, 128, 128)))
    return np.clip(base + rng.normal(0, 30, (size, size, 3)), 0, 255).astype(np.uint8)


@pytest.fixture
def picture():
    """A function that writes a patch of a colour to a file: picture(path, label, seed)."""

    def write(path: Path, label: str, seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(colour_pixels(label, np.random.default_rng(seed), 24)).save(path)
        return path

    return write


@pytest.fixture
def rows_of():
    """A function that makes a table of rows that name only what matters."""
    return factories.tables.rows_of


@pytest.fixture
def identified_rows():
    """A function that makes IDENTIFIED rows from short facts: (image_id, label, confidence, ...)."""
    return lambda *rows: factories.tables.identified(rows)
