"""params.yaml as frozen, typed objects.

DVC does not check what `-S lr=foo` writes, and PyYAML reads `1e-05` as text; so the file is loaded with ruamel.yaml and
checked by pydantic: an unknown key, a wrong type or a value out of range is one clear error that names the key.
"""

from curation.params.blocks import Params
from curation.params.loading import ParamsError, load, read

__all__ = ["Params", "ParamsError", "load", "read"]
