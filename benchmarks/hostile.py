"""Ten thousand damaged or hostile files: nothing may crash or hang, and each must be listed with a reason.

    python benchmarks/hostile.py [--files 10000] [--seed 0]

Where a file is shown without a word, the table says why: it is held against the picture it was before it was damaged.
The last table is in benchmarks/results/hostile.md.
"""

import argparse
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hostile_files import write_hostile
from tables import Table, write_page

if TYPE_CHECKING:
    import pandas as pd

SEEN = 4.0  # grey levels of difference (root mean square) from which a person sees the damage
CHECKLESS = {
    "uncompressed pixels: any byte is a colour": {"BMP", "DIB", "PPM", "PAM", "TIFF", "ICO", "TGA", "PCX", "SUN"},
    "a palette: any byte is a colour": {"GIF", "BLP"},
    "a compressed stream without a checksum, that still decodes": {"WEBP", "AVIF", "HEIF", "JPEG2000"},
    "JPEG: Huffman codes or tables that still decode": {"JPEG"},
    "PNG: only what is no pixel": {"PNG"},
}


def main() -> None:
    """Make the files, read them, and say what was said of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    from curation.images.ingest import ingest_folder
    from curation.params import Params

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "hostile"
        before = write_hostile(folder, options.files, options.seed)
        start = time.perf_counter()
        frame = ingest_folder(folder, Params())
        seconds = time.perf_counter() - start
        silent = unnoticed(frame, folder, before)
    whole = sorted(set(before.values()))
    refused = sum(is_refused(data) for data in whole)
    listed = len(frame) + int(frame["copy_paths"].map(len).sum())
    summary, reasons = told(frame, listed, seconds)
    about = f"`python benchmarks/hostile.py --files {options.files} --seed {options.seed}`: {summary}"
    about += f" Of the {len(whole)} files before they were damaged {refused} were refused."
    write_page("hostile", "Damaged and hostile files", about, [reasons, silent], keep=options.files >= 10_000)
    sys.exit(listed != options.files or refused > 0)


def is_refused(data: bytes) -> bool:
    """Whether a file is not read."""
    from curation.images.opening import UnreadableImage, decode

    try:
        decode(data, "x")
    except UnreadableImage:
        return True
    return False


def unnoticed(frame: "pd.DataFrame", folder: Path, before: dict[str, bytes]) -> Table:
    """Say of the files shown without a word how far they are from what they were."""
    counts: Counter[tuple[str, str]] = Counter()
    quiet = frame[(frame["error"] == "") & (frame["note"] == "")]
    for form, path, copies in quiet[["format", "path", "copy_paths"]].to_numpy():
        why = next(words for words, formats in CHECKLESS.items() if form in formats)
        counts[why, how_far(folder / path, before.get(path, b""))] += 1 + len(copies)
    columns = ("the same picture", "a difference nobody sees", "a damaged picture", "never was another")
    rows = [[why, *(f"{counts[why, column]:,}" for column in columns)] for why in CHECKLESS]
    return Table(["", *columns], [row for row in rows if any(cell != "0" for cell in row[1:])], "Shown without a word:")


def how_far(path: Path, victim: bytes) -> str:
    """Hold a file against what it was."""
    from curation.images.opening import UnreadableImage, decode, open_image

    if not victim:
        return "never was another"
    try:
        now, then = open_image(path), decode(victim, path).image
    except UnreadableImage:  # it shows a picture only at the small scale that a hash needs
        return "a damaged picture"
    if now.size != then.size:
        return "a damaged picture"
    apart = np.sqrt(((np.asarray(now, np.float32) - np.asarray(then, np.float32)) ** 2).mean())
    return "the same picture" if apart == 0 else "a difference nobody sees" if apart < SEEN else "a damaged picture"


def told(frame: "pd.DataFrame", listed: int, seconds: float) -> tuple[str, Table]:
    """Say what became of the files, and by kind of reason."""
    copies = frame["copy_paths"].map(len) + 1
    refused, noted = frame["error"] != "", (frame["error"] == "") & (frame["note"] != "")
    silent = ~refused & ~noted
    reasons: Counter[str] = Counter()
    for words, number in zip(frame["error"].where(refused, frame["note"]), copies, strict=True):
        reasons[re.sub(r"(?<![A-Z])\d[\d.,]*", "N", words)[:80]] += number
    reasons.pop("", None)
    most = reasons.most_common(30)
    summary = (
        f"{listed:,} files accounted for in {seconds:.0f} s, "
        f"{copies[refused].sum():,} refused with a reason, {copies[noted].sum():,} shown with a note on their damage, "
        f"{copies[silent].sum():,} shown without a word (the last table)."
    )
    rows = [[words, f"{number:,}"] for words, number in most]
    rest = sum(reasons.values()) - sum(number for _, number in most)
    return summary, Table(["what is said", "files"], [*rows, ["other words", f"{rest:,}"]])


if __name__ == "__main__":
    main()
