"""Install the FiftyOne plugin: copy the folder `curation/review/plugin` into the plugins directory of FiftyOne.

The copy is small: a manifest, a few lines of Python that import this package, and the script that binds the keys. A
copy that differs from the package is replaced.
"""

import shutil
from pathlib import Path
from typing import Any

from curation.files import whole

SOURCE = Path(__file__).parents[1] / "plugin"
FOLDER = "curation-review"
PARTS = ["fiftyone.yml", "__init__.py", "dist/index.umd.js"]


def install(fo: Any) -> Path:
    """Copy the plugin into `fo.config.plugins_dir` when it is missing or differs. Return its folder there."""
    target = Path(fo.config.plugins_dir) / FOLDER
    if not same(target):
        for part in PARTS:
            with whole(target / part) as draft:
                shutil.copyfile(SOURCE / part, draft)
    return target


def same(target: Path) -> bool:
    """Return True when the plugin in `target` equals the one of this package."""
    return all(
        (target / part).is_file() and (target / part).read_bytes() == (SOURCE / part).read_bytes() for part in PARTS
    )
