"""Sample collections: real images as ordinary files, with faults like those of real collections.

- image_sources reads the images
- mess_plan decides which file holds what, from a seed
- sample_files makes the copies and the broken files
- write_sample writes the files and the truth table

No stage reads anything of this room.
"""

from curation.sample.image_sources import Source, SourceError
from curation.sample.write_sample import SampleError, Written, write_sample

__all__ = ["SampleError", "Source", "SourceError", "Written", "write_sample"]
