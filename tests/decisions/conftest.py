"""Let the tests of decisions import their rows: `tests/` holds no packages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
