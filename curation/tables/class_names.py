"""The names of classes: how a name is spelt, and which names are refused or reserved.

A label is kept as people wrote it, but in Unicode form NFC (macOS writes file names in NFD) and with single spaces.
Two labels that differ only in case or Unicode form are one class to a person and two classes to a model, so they are
refused together.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache

from curation.errors import CurationError

UNKNOWN = "unknown"
FROZEN = "frozen"  # the benchmark set that the stage `split` makes
JOINERS = "\u200c\u200d"
BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols by their category, and blank to the eye
LONGEST = 255  # bytes of a file name on the usual file systems
LITTER = frozenset(  # what systems leave behind: files and folders of these names are passed over
    {
        *("thumbs.db", "desktop.ini", "ehthumbs.db", "$recycle.bin", "system volume information"),  # Windows
        *("__macosx", "icon\r"),  # macOS
        *("@eadir", "@recycle", "@tmp", "#recycle", "#snapshot", "lost+found"),  # Synology, QNAP, Linux
    }
)
SPLIT_NAMES = frozenset({"train", "training", "val", "valid", "validation", "dev", "test", "testing"})


class LabelError(CurationError):
    """A class that can't be named as it is."""


@lru_cache(maxsize=4096)  # a million files have a few labels, and then share them
def canonical(label: str) -> str:
    """Give a label's one spelling: NFC, no space around it, single ones within; LabelError if it can't be a class."""
    name = " ".join(unicodedata.normalize("NFC", label).split())
    if "/" in name or "\\" in name:
        raise LabelError(f"label {label!r} holds a slash: a class is one folder name; write sub-classes in `subclass`")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name):
        raise LabelError(f"label {label!r} holds a character that is no text: rename it with letters, digits or spaces")
    if hidden := _invisible(name):
        raise LabelError(
            f"label {label!r} holds a character that nobody can see (U+{ord(hidden):04X}): rename it without it"
        )
    return name


def _invisible(name: str) -> str:
    """The first character of a name that leaves no mark, "" when there is none.

    Joiners are part of emoji and of some scripts, so between other than ASCII characters they may stay.
    """
    for at, letter in enumerate(name):
        joins = letter in JOINERS and not name[max(at - 1, 0)].isascii() and not name[at + 1 : at + 2].isascii()
        tag = 0xE0020 <= ord(letter) <= 0xE007F  # spells the flags of regions, such as Scotland's
        if (unicodedata.category(letter) == "Cf" or letter in BLANKS) and not joins and not tag:
            return letter
    return ""


def label_problem(label: str) -> str:
    """Why a label can't be a class, "" when it can; what passes is a folder name on every system."""
    try:
        name = canonical(label)
    except LabelError as error:
        return str(error)
    if name.startswith("."):
        return f"label {label!r} begins with a dot: a folder of that name is hidden, so its images would be lost"
    if name.lower() in LITTER:
        return f"label {label!r} is what a system calls a folder of its own: such a folder is passed over"
    if len(name.encode("utf-8")) > LONGEST:
        return f"label {label[:40]!r} ... has {len(name)} letters: a class is a folder name of at most {LONGEST} bytes"
    if name != UNKNOWN and look_alike(name) == look_alike(UNKNOWN):
        return f"label {label!r} is another spelling of the reserved class `{UNKNOWN}`: write `{UNKNOWN}`"
    return "" if name else "a label of spaces names no class"


def class_problem(name: str, known: Iterable[str], *, new: bool) -> str:
    """Why a decision can't name this class, "" when it can. known: the classes of the project; new: others may come."""
    classes = set(known)
    if name in classes:
        return ""
    if alike := sorted(one for one in classes if look_alike(one) == look_alike(name)):
        return f"`{name}` and the class `{alike[0]}` differ only in {_difference(name, alike[0])}: write `{alike[0]}`"
    return label_problem(name) if new else f"`{name}` is not a class of the project; with --new-class it becomes one"


def set_name_problem(name: str) -> str:
    """Why a benchmark set can't be called so, "" when it can."""
    if name == FROZEN:
        return f"`{FROZEN}` is the benchmark that `split` makes: give the set another name"
    if name.startswith("."):
        return f"the name {name!r} of a benchmark set begins with a dot: a folder of that name is hidden"
    if len(name.encode("utf-8")) > LONGEST:
        return f"the name {name[:40]!r} ... of a benchmark set is longer than {LONGEST} bytes"
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name) or _invisible(name):
        return f"the name {name!r} of a benchmark set holds a character that nobody can see: rename the set without it"
    return ""


def look_alike(label: str) -> str:
    """What two labels share when a person would call them the same: letters without case and compatibility forms."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())


def refuse_clashes(labels: Mapping[str, str]) -> None:
    """Raise LabelError if two spellings are one class to a person.

    `labels` maps each label, as it is written, to the place where it stands. `unknown` is always there.
    """
    seen: dict[str, tuple[str, str]] = {look_alike(UNKNOWN): (UNKNOWN, "the reserved class")}
    for label in sorted(labels):
        other, place = seen.setdefault(look_alike(canonical(label)), (label, labels[label]))
        if other != label:
            raise LabelError(
                f"{labels[label]} and {place}: the labels {label!r} and {other!r} "
                f"differ only in {_difference(label, other)}. Write one of them in both places "
                "(move the files of one folder into the other)."
            )


def refuse_splits(labels: Iterable[str], place: str) -> None:
    """Raise LabelError if all classes are named as splits: a data set divided already, laid down one level too high."""
    named = {label for label in labels if label != UNKNOWN}
    if named and all(look_alike(label) in SPLIT_NAMES for label in named):
        listed = ", ".join(sorted(named))
        raise LabelError(
            f"{place}: its folders are {listed}, which are names of splits, not of classes. Move what is in them up "
            f"one level ({place}/<class>/name.jpg): the stage `split` makes the splits, and keeps copies together."
        )


def _difference(one: str, other: str) -> str:
    forms = {unicodedata.normalize("NFC", " ".join(label.split())) for label in (one, other)}
    if len(forms) == 1:
        return "Unicode form or spaces"
    return "case" if len({label.lower() for label in forms}) == 1 else "case or Unicode form"
