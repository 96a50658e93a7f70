"""Sample collections: real images as ordinary files, and, planted from a seed, the mess that real collections have.

`sources` reads the images, `plan` decides which file holds what, `pictures` makes the twins and the broken files,
`writing` puts them on disk and keeps the truth table. Nothing here is read by a stage.
"""

from curation.sample.image_sources import Source, SourceError
from curation.sample.write_sample import SampleError, Written, write_sample

__all__ = ["SampleError", "Source", "SourceError", "Written", "write_sample"]
