"""Toy models: three classes of coloured pictures that a tiny network learns in an epoch or two."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from curation import tables
from curation.images.store.pixel_store import write_store
from curation.images.store.pixels import Pixels
from curation.model.backbone import Spec, build
from curation.model.base_model import make_backbone
from curation.model.checkpoint import save
from curation.model.header import Header
from curation.model.scorer import Scorer
from curation.params import Params
from curation.params.loading import parse
from factories.pictures import colour_pixels

COLOURS = {"cherry": (200, 30, 40), "leaf": (40, 180, 60), "sky": (60, 90, 220)}
SIZE = 16
COLOUR_CLASSES = ("blue", "green", "red")


@dataclass(frozen=True)
class Toy:
    root: Path
    splits: pd.DataFrame
    images: pd.DataFrame
    pixels: Pixels
    params: Params

    def base(self) -> Path:
        return Path(self.params.base_model)


def settings(root: Path, **changes) -> Params:
    base = {
        "arch": "shufflenet_v2_x0_5",
        "image_size": SIZE,
        "lr": 0.01,
        "epochs": 2,
        "batch_size": 16,
        "base_model": str(root / "models/backbone.safetensors"),
        "train": {"device": "cpu", "checks": False, **changes.pop("train", {})},
        "backbone": {"stem": "standard"},
    }
    return parse({**base, **changes})


def paint(root: Path, per_class: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write pictures; the tables splits and images with the columns that training reads."""
    draw = np.random.default_rng(seed)
    rows = []
    for label, colour in COLOURS.items():
        for number in range(per_class):
            pixels = np.clip(np.array(colour) + draw.normal(0, 40, (20, 24, 3)), 0, 255).astype(np.uint8)
            path = root / f"raw/{label}/{seed}-{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
            split = "train" if number % 4 else "val" if number % 8 else "test"
            image_id = hashlib.md5(path.read_bytes()).hexdigest()
            subclass = "deep" if number % 3 == 0 else ""
            fold = number % 3 if split == "train" else -1
            rows.append((image_id, str(path), label, subclass, "", split, 0, False, fold))
    columns = ["image_id", "path", "label", "subclass", "group", "split", "turn", "small", "fold"]
    frame = pd.DataFrame(rows, columns=columns).sort_values("image_id", ignore_index=True)
    return frame.drop(columns="path"), frame[["image_id", "path", "turn"]]


def make_toy(root: Path, per_class: int = 16, **changes) -> Toy:
    """Pictures of each class below `root`, their pixel store, and a base model that has learnt nothing."""
    splits, images = paint(root, per_class)
    params = settings(root, **changes)
    write_store(images, root / "pixels", root / "cache", SIZE, params.resize)
    make_backbone(params, Path(params.base_model))
    assert set(splits.columns) <= set(tables.SPLITS.columns)
    return Toy(root, splits, images, Pixels(root / "pixels"), params)


def answers(toy: Toy, checkpoint: Path) -> tuple[float, float]:
    """Mean cross-entropy and accuracy on val of a checkpoint, by what it answers."""
    val = toy.splits[toy.splits["split"] == "val"]
    scorer = Scorer(checkpoint, device="cpu")
    logits = torch.from_numpy(scorer.score(toy.pixels.batch(toy.pixels.rows(val["image_id"]))).logits)
    labels = torch.tensor([scorer.header.classes.index(label) for label in val["label"]])
    loss = torch.nn.functional.cross_entropy(logits, labels)
    return float(loss), float((logits.argmax(1) == labels).float().mean())


def train_colours(path: Path) -> Path:
    """Fit the head of a random resnet18 of 16 pixels to three colours, and write it as the trainer does."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = build(Spec("resnet18", 16), 3).eval()
    truth = np.arange(120) % 3
    pixels = np.stack([colour_pixels(COLOUR_CLASSES[index], rng, 16) for index in truth])
    head, model.fc = model.fc, torch.nn.Identity()
    with torch.inference_mode():
        features = model(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1).numpy()
    fitted = LogisticRegression(max_iter=2000).fit(features, truth)
    head.weight.data, head.bias.data = (
        torch.tensor(values, dtype=torch.float32) for values in (fitted.coef_, fitted.intercept_)
    )
    model.fc = head
    save(path, model.state_dict(), Header("resnet18", COLOUR_CLASSES, 16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))
    return path
