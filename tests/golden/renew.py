"""Write tests/golden/golden.json anew, from a run of every stage: `python tests/golden/renew.py`.

Refused while a stage writes something else under the same behaviour version.
"""

import json
import sys
import tempfile
from pathlib import Path


def main() -> None:
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    import golden_run

    from curation.project.behaviour_versions import VERSIONS

    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        found = golden_run.run_all(Path(folder))
    said = golden_run.complaints(found, golden_run.golden())
    refused = [text for text in said.values() if "writes something else" in text]
    if refused:
        sys.exit("\n".join(refused))
    entries = {name: {"version": VERSIONS[name], "values": values} for name, values in found.items()}
    golden_run.GOLDEN.write_text(json.dumps(entries, indent=1) + "\n")
    print(f"{golden_run.GOLDEN.name}: {', '.join(said) or 'nothing'} renewed")


if __name__ == "__main__":
    main()
