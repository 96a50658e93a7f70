"""Odd names, by kind: whatever a file system takes as the name of a folder or file, and people give to things.

A name that holds a slash or a zero byte is not among them, because no file system takes it.
"""

# ruff: noqa: E501, RUF001

import os
import unicodedata
from collections.abc import Iterator

LONGEST = 255  # bytes of one name

KINDS: dict[str, list[str]] = {
    "scripts": [
        *("猫", "دجاجة", "חתול", "кошка", "γάτα", "แมว", "बिल्ली", "ねこ", "고양이", "ድመት", "பூனை", "แ", "ꦏ", "𓃠", "кот-cat", "猫 cat"),
        *("mixed עברית and latin", "١٢٣", "²³", "½", "Ⅻ", "ﬁne", "Å", "ß", "ẞtrasse", "İstanbul", "ǅ"),
    ],
    "combining": ["e\u0301tude", "n\u0303", "a\u0300\u0316\u0320\u0301", "Z̸̧͓̪a̶lgo", "\u0e01\u0e33", "क्ष", "ನ್ನ", "नी\u200dर"],
    "emoji": ["😀", "👩‍👩‍👧", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇩🇪", "👍🏽", "❤️", "a😀b", "☃"],
    "numbers": ["0", "007", "1e5", "1.0", "-1", "+1", "1_000", "0x1f", "1e400", "inf", "-inf", "NaN", "1,5", "½ 2026-11-27"],
    "words of YAML and JSON": [
        *("null", "Null", "~", "true", "false", "yes", "no", "on", "off", "nan", "None", "NA", "N/A".replace("/", "∕")),
        *("!!python", "&a", "*a", "- a", "a: b", "{a}", "[a]", "'a'", '"a"', "# a", "@a", "`a`", "? a", "|", ">", "%a"),
    ],
    "formulas": ["=1+1", "=cmd|' 'C'!A0", "+SUM(A1)", "-2+3", "@SUM(1)", "'=1", "''x", "=HYPERLINK(1)"],
    "markup": [
        *("<b>bold<∕b>", "<script>alert(1)<∕script>", "a&amp;b", "a&b", "[red]x[∕red]", "[link](x)", "![i](x)", "*star*"),
        *("_under_", "**", "| a | b |", "`code`", "# head", "> quote", "1. one", "---", "~~~", "<!--", "{{ 7*7 }}", "{% x %}"),
        *("${HOME}", "$(id)", "$HOME", "javascript:alert(1)", "<img src=x onerror=alert(1)>", "www.example.com", ":smile:"),
    ],
    "formats": ["%s", "%d%n", "%(x)s", "{}", "{0}", "{name!r}", "100%", "%00", "%2e%2e", "\\x41", "\\n", "$1"],
    "globs": ["*", "a*", "?", "a?", "[ab]", "[!a]", "**", "{a,b}", "a[", "!a", "^a", "(a|b)", ".*", "a|b"],
    "dashes, dots, spaces": [
        *("-", "-a", "--help", "-rf", "--", "~user", "a.", "a..", "...", " a", "a ", "  ", "a  b", ".hidden", "a\u00a0b"),
        *("\u3000a", "a\u2003b", "_", "__init__", "a.jpg", "x.dvc", "metadata.csv"),
    ],
    "controls": ["a\nb", "\n", "a\tb", "\t", "a\rb", "a\x1b[31mb", "\x1b]0;t\x07", "\x07", "\x7f", "a\x0bb", "\x85", "a\x01b"],
    "invisible": ["a\u200bb", "\ufeffa", "a\u202eb", "\u2066a\u2069", "a\u00adb", "\u2028", "\u3164", "\u115f", "a\u200db"],
    "quotes and slashes": ['"', "'", 'a"b', "a'b", "a\\b", "\\", "\\\\server", "C:", "a;b", "a,b", "«a»", "„a“", "a:b", "∕etc∕passwd", "..∕x"],
    "reserved": [
        *("con", "nul", "COM1", "aux.txt", "unknown", "Unknown", "UNKNOWN", "ｕｎｋｎｏｗｎ", "frozen", "default", "thumbs.db"),
        *("@eaDir", "lost+found", "Icon\r", "nothing", "benchmark", "raw", "unlabelled", "predicted", "queue", "decided"),
        *("to review", "cluster 01", "label", "path", "image_id", "_id", "tags", "constructor", "__proto__", "prototype"),
    ],
    "splits": ["train", "val", "test", "training", "Validation", "reserve"],
    "twins": [unicodedata.normalize("NFD", "Überträger"), unicodedata.normalize("NFC", "Überträger"), "Cat", "cat", "CAT", "ｃａｔ"],
    "long": ["x" * LONGEST, "猫" * (LONGEST // 3), "😀" * (LONGEST // 4), "x" * 200, "a b" * 60, "e\u0301" * 85, "=" * 100],
    "no text": [os.fsdecode(b"\xff"), os.fsdecode(b"caf\xe9"), os.fsdecode(b"\xc3\x28a"), os.fsdecode(b"a\xed\xa0\x80")],
}  # fmt: skip


def names() -> Iterator[str]:
    """Every odd name that can name a file, once."""
    seen: set[str] = set()
    for name in (name for kind in KINDS.values() for name in kind):
        if name not in seen and len(os.fsencode(name)) <= LONGEST and name not in {".", ".."}:
            seen.add(name)
            yield name
