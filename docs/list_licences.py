"""List the licences of all that is installed, from the packages' own metadata: python docs/list_licences.py [FILE.csv].

The base is what `pip install curation` brings, with all that it needs in turn. Exit status 1 where a package of the
base has a licence that asks for the source of what is built on it (GPL, AGPL), or names none, and is not in KNOWN.
"""

import csv
import re
import sys
from importlib import metadata
from pathlib import Path

COPYLEFT = re.compile(r"\bA?GPL|Affero|GNU General Public", re.IGNORECASE)
LESSER = re.compile(
    r"LGPL|Lesser|GCC Runtime Library Exception|GPL-3\.0-(only|or-later) WITH GCC-exception", re.IGNORECASE
)
KNOWN = {  # package: why it may be used
    "cuda-toolkit": "a package without content of its own, which torch brings",
    "dulwich": "Apache-2.0 can be chosen",
    "grandalf": "DVC draws `dvc dag` with it; nothing here imports it",
    "pygit2": "its exception allows linking; DVC brings it",
}


def licence_of(found: metadata.Distribution) -> str:
    """The licence as a package states it: an SPDX expression, else its classifiers, else the field's first line."""
    about = found.metadata
    classifiers = [
        one.split("::")[-1].strip() for one in about.get_all("Classifier") or [] if one.startswith("License ::")
    ]
    field = (about.get("License") or "").strip().split("\n")[0][:80]
    return about.get("License-Expression") or "; ".join(one.split("::")[-1].strip() for one in classifiers) or field


def plain(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def base(installed: dict[str, metadata.Distribution]) -> set[str]:
    """What curation needs without an extra, and what that needs in turn."""
    found: set[str] = set()
    waiting = ["curation"]
    while waiting:
        name = waiting.pop()
        if name in found or name not in installed:
            continue
        found.add(name)
        wanted = [one for one in installed[name].requires or [] if "extra ==" not in one]
        waiting += [plain(re.split(r"[\s<>=!~;\[(]", one)[0]) for one in wanted]
    return found


def main() -> None:
    """Write the list, and say which packages of the base need a look."""
    installed = {plain(one.metadata["Name"]): one for one in metadata.distributions() if one.metadata["Name"]}
    needed = base(installed)
    rows = [(name, one.version, licence_of(one), name in needed) for name, one in sorted(installed.items())]
    if len(sys.argv) > 1:
        path = Path(sys.argv[1])
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("package", "version", "licence", "base"), *rows])
    look = [
        f"{name} {version}: {licence or 'names no licence'}"
        for name, version, licence, in_base in rows
        if in_base and name not in {*KNOWN, "curation"} and (not licence or COPYLEFT.search(LESSER.sub("", licence)))
    ]
    print(f"{len(rows)} packages, {len(needed)} of them in the base; {len(look)} of the base need a look")
    print(*look, sep="\n")
    sys.exit(bool(look))


if __name__ == "__main__":
    main()
