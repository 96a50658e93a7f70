"""The dataset that a review serves, and which files of the disk it shows."""

import asyncio
import time
from typing import Any

AGAIN_SECONDS = 2  # after a push during the review the dataset has new images


class Dataset:
    """One FiftyOne dataset by name. `shows` knows the files of its samples; nothing else is read from the disk."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.id = str(self._load()._doc.id)
        self._files: frozenset[str] = frozenset()
        self._looked = -float(AGAIN_SECONDS)
        self._looking = asyncio.Lock()

    async def shows(self, path: str) -> bool:
        """Whether a sample of the dataset is this file, by the name that the dataset has for it."""
        if path not in self._files:
            async with self._looking:  # the pictures of a page are asked for at once: one of them looks, all wait
                if time.monotonic() - self._looked >= AGAIN_SECONDS:
                    self._files = await asyncio.to_thread(self._paths)
                    self._looked = time.monotonic()
        return path in self._files

    def _paths(self) -> frozenset[str]:
        return frozenset(self._load().values("filepath"))

    def _load(self) -> Any:
        import fiftyone as fo

        return fo.load_dataset(self.name)
