"""params.yaml as frozen, typed objects.

DVC does not check what `-S lr=foo` writes, and PyYAML reads `1e-05` as text. So the file is read with ruamel.yaml and
checked by pydantic. An unknown key, a wrong type or a value out of range gives one error, which names the key.
"""

from curation.params.blocks import Params
from curation.params.loading import ParamsError, load, read

__all__ = ["Params", "ParamsError", "load", "read"]
