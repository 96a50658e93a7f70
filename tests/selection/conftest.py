"""Let the tests of selection import their toys: `tests/` holds no packages."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
