"""Run a campaign for as long as wanted: fuzzed inputs, or kills.

    python tests/campaigns/run.py fuzz  [--seconds 60] [--seed 0] [--parser NAME] [--only NUMBER]
    python tests/campaigns/run.py kills [--kills 20] [--seed 0]

Each prints its seed and what it found, and keeps the counts in benchmarks/results/campaigns.md with --keep.
"""

import argparse
import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks"), str(ROOT)]

from campaigns import fuzz, kills  # noqa: E402 - the folders above hold it
from campaigns.parsers import PARSERS  # noqa: E402
from campaigns.results import report  # noqa: E402


def main() -> None:
    """Run the campaign that the first word names; exit 1 where it found a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("campaign", choices=["fuzz", "kills"])
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="drawn where none is given")
    parser.add_argument("--keep", action="store_true", help="keep the counts in benchmarks/results/campaigns.md")
    parser.add_argument("--seconds", type=float, default=60, help="fuzz for so long")
    parser.add_argument("--processes", type=int, default=1, help="fuzz in so many processes")
    parser.add_argument("--parser", choices=PARSERS, help="fuzz only this one")
    parser.add_argument("--only", type=int, help="read only the input with this number, and print it")
    parser.add_argument("--kills", type=int, default=20)
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    run = {"fuzz": fuzzed if asked.only is None else once, "kills": killed}
    sys.exit(bool(run[asked.campaign](asked)))


def fuzzed(asked: argparse.Namespace) -> int:
    """Fuzz the readers; how many faults there are."""
    begun = time.monotonic()
    found = fuzz.campaign(asked.seconds, asked.seed, [asked.parser] if asked.parser else list(PARSERS), asked.processes)
    for one in found.values():
        for kind, count in fuzz.kinds(one).most_common():
            first = next(fault for fault in one.faults if fault.kind == kind)
            again = f"run.py fuzz --parser '{one.parser}' --seed {asked.seed} --only {first.number}"
            print(f"\n{one.parser}: {kind}, {count} inputs, first: {again}\n  {shown(first.words)}")
    header = ["read", "inputs", "accepted", "refused with one message", "faults", "slowest, seconds"]
    rows = [
        (one.parser, one.count, one.accepted, one.refused, len(one.faults), f"{one.slowest:.2f}")
        for one in found.values()
    ]
    total, faults = sum(one.count for one in found.values()), sum(len(one.faults) for one in found.values())
    bounds = f"At most {fuzz.SECONDS:g} s of processor time and {fuzz.MEGABYTES:,} MB an input."
    summary = f"{total:,} inputs in {time.monotonic() - begun:.0f} s, seed {asked.seed}: {faults} faults."
    report("Fuzzed inputs", f"{bounds} {summary}", header, rows, keep=asked.keep)
    return faults


def killed(asked: argparse.Namespace) -> int:
    """Kill stages and commands; how many faults there are."""
    begun = time.monotonic()
    told = kills.campaign(asked.kills, asked.seed)
    for fault in told.faults:
        print(f"\n{fault}")
    rows = [(name, told.kills[name], told.mended[name], count) for name, count in told.completed.items()]
    about = (
        f"{told.kills.total()} kills (SIGKILL, of a command and all that it started) in "
        f"{time.monotonic() - begun:.0f} s, seed {asked.seed}: {len(told.faults)} faults. After each kill no table is "
        "torn and no decision lost; each command then completes, with the bytes of a round that nobody disturbed."
    )
    report(
        "Kills", about, ["command", "kills", "curate doctor --mend", "completed and compared"], rows, keep=asked.keep
    )
    return len(told.faults)


def shown(words: str) -> str:
    """The end of a traceback, or the words of a message."""
    return "\n  ".join(words.strip().splitlines()[-7:])[-900:]


def once(asked: argparse.Namespace) -> int:
    """Make one input again, print it, and read it."""
    print(repr(fuzz.make(asked.parser, asked.seed, asked.only)[:3000]))
    found = fuzz.read_batch(fuzz.Batch(asked.parser, asked.seed, asked.only, 1))
    print(*(fault.words for fault in found.faults) if found.faults else ["accepted" if found.accepted else "refused"])
    return len(found.faults)


if __name__ == "__main__":
    main()
