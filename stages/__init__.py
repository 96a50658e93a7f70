"""The stages of the pipeline, one file each; DVC runs them as `python -m stages.NAME`.

This file is imported before any stage, so Ctrl-C is one line also while the libraries of a stage are still imported.
"""

import sys
from multiprocessing import parent_process
from types import TracebackType

from curation.errors import STOPPED


def _one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    elif parent_process() is None:  # the helpers of a stage say nothing
        print(STOPPED, file=sys.stderr)


sys.excepthook = _one_line
