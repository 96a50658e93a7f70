"""Data-centric curation for image classifiers: the library behind `dvc repro` and the `curate` command.

NumPy's and SciPy's threads (OpenBLAS) wait for more work in a busy loop, for a tenth of a second each time. On small
matrices they wait more than they work, and a waiting thread keeps a core from whoever shares the machine: the stage
`cluster` used a third more processor time, the tests of label errors seven times as much. So the loop is kept short
here, before NumPy is imported. What is computed does not change, as the number of threads stays.
`OPENBLAS_THREAD_TIMEOUT` in the environment overrides this.

The libraries that send reports of their use to their makers are told not to, here and in every process that is started
from here. A variable that is set already overrides each of these.
"""

import os

__version__ = "0.1.0"

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")  # the loop ends after 2^16 ticks of the processor, not 2^26

NO_REPORTS = {
    "DO_NOT_TRACK": "1",  # consoledonottrack.com: MLflow, Gradio, and others
    "DVC_NO_ANALYTICS": "true",
    "FIFTYONE_DO_NOT_TRACK": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
}
for _name, _value in NO_REPORTS.items():
    os.environ.setdefault(_name, _value)
