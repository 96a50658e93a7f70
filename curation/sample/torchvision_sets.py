"""Sample images from the data sets of torchvision: any set that yields (image, class).

Downloads are kept in the cache of the project. torchvision is imported only when a set is used, and only `curate
sample` uses this module.
"""

import inspect
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from curation.errors import CurationError
from curation.sample.image_sources import FASHION_CLASSES, Source

# Those that give each image one class.
NAMES = (
    "CIFAR10 CIFAR100 Caltech101 Caltech256 Country211 DTD EuroSAT FER2013 FGVCAircraft FashionMNIST Flowers102 "
    "Food101 GTSRB Imagenette KMNIST MNIST Omniglot OxfordIIITPet PCAM Places365 RenderedSST2 SEMEION STL10 SUN397 "
    "SVHN StanfordCars USPS"
)
SETS = {name.lower(): name for name in NAMES.split()}  # by the name with which the user asks


class DownloadError(CurationError):
    """The torchvision set is unknown, or it can't be read or downloaded."""


def download(name: str, folder: Path | None, downloads: Path) -> Source:
    """Return torchvision's set `name` (any letter case, `-` or `_`), from `folder` or downloaded to `downloads`."""
    key = _key(name)
    if key not in SETS:
        raise DownloadError(
            f"no sample is called {name!r}: there are digits, fashion-mnist and, of torchvision, {', '.join(SETS)}"
        )
    from torchvision import datasets

    kind = getattr(datasets, SETS[key])
    root = folder or downloads
    if folder is None:
        root.mkdir(parents=True, exist_ok=True)
    options = {"download": folder is None} if "download" in inspect.signature(kind).parameters else {}
    try:
        data = kind(str(root), **options)
    except (OSError, RuntimeError, ImportError, TypeError) as error:
        raise DownloadError(_why(name, root, folder, error)) from None
    return _source(key, data)


def _why(name: str, root: Path, folder: Path | None, error: Exception) -> str:
    if folder:
        return f"{folder} does not hold {name!r} as torchvision keeps it ({error}). Without --from it is downloaded"
    debian = "; Debian has it as the package dataset-fashion-mnist" if _key(name) == "fashionmnist" else ""
    return (
        f"torchvision could not bring {name!r} into {root} ({type(error).__name__}: {error}). "
        f"Without a network, name a folder that holds it with --from{debian}. `curate sample digits` needs no network"
    )


def _key(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _source(name: str, data: Any) -> Source:
    labels = _labels(name, data)
    classes = FASHION_CLASSES if name == "fashionmnist" else _classes(data, labels)
    return Source(name, classes, labels, lambda index: _picture(data[index][0]))


def _picture(image: Any) -> Image.Image:
    if not isinstance(image, Image.Image):
        raise DownloadError(f"the set yields {type(image).__name__}, not images: it is no set of labelled pictures")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _labels(name: str, data: Any) -> np.ndarray[Any, np.dtype[np.int64]]:
    found = next((getattr(data, key) for key in ("targets", "labels", "_labels", "y") if hasattr(data, key)), None)
    values = found if found is not None else [data[index][1] for index in range(len(data))]
    labels = np.asarray(values)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise DownloadError(f"torchvision's {name!r} has no class for each image: choose a classification set")
    return labels.astype(np.int64)


def _classes(data: Any, labels: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[str, ...]:
    listed = getattr(data, "classes", None) or [f"class-{number}" for number in range(int(labels.max()) + 1)]
    texts = [item if isinstance(item, str) else item[0] for item in listed]
    return tuple(text.lower().replace("/", "-").replace(" - ", "-").replace(" ", "-") for text in texts)
