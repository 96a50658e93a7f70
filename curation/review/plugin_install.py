"""Put the plugin where FiftyOne looks for it: a copy of this package's `plugin/` folder in its plugins directory.

What is copied is small: a manifest, a few lines of Python that import this package, and the script that binds the keys.
A copy that differs from the package's is replaced.
"""

import shutil
from pathlib import Path
from typing import Any

from curation.files import whole

SOURCE = Path(__file__).parent / "plugin"
FOLDER = "curation-review"
PARTS = ["fiftyone.yml", "__init__.py", "dist/index.umd.js"]


def install(fo: Any) -> Path:
    """Copy the plugin into `fo.config.plugins_dir` where it is missing or another version; its folder there."""
    target = Path(fo.config.plugins_dir) / FOLDER
    if not same(target):
        for part in PARTS:
            with whole(target / part) as draft:
                shutil.copyfile(SOURCE / part, draft)
    return target


def same(target: Path) -> bool:
    """Whether the plugin in `target` is the one of this package."""
    return all(
        (target / part).is_file() and (target / part).read_bytes() == (SOURCE / part).read_bytes() for part in PARTS
    )
