"""The model card shows every name as it is: no name of a class, a set or a person is run as Markdown or HTML."""

import re

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from curation.errors import printable
from curation.project import Project
from curation.registry.promote import Choice, promote
from curation.tables.names_as_data import markdown

GITHUB = MarkdownIt("gfm-like", {"linkify": False})
PLACES = ["{}", "- {}: finds 50%.", "Tells which: {}, {}.", "| {} | 1 |\n|---|---|\n| {} | 2 |"]
ACTS = {"html_inline", "html_block", "link_open", "image", "em_open", "strong_open", "code_inline", "s_open", "hr"}
PIECES = st.sampled_from([*"\\`*_{}[]()<>#+-=!|~&$:@.;^\"'/ax1 \n", "\u202e", "www.", "http://", "1. ", "&lt;"])
ADDRESS = re.compile(r"(?:https?|ftp)://|\bwww\.|\w@\w", re.IGNORECASE)  # GitHub turns these into links


def shown(text):
    """The texts of a document, and what in it is more than text, paragraphs, one list or one table."""
    texts, acting = [], []
    for block in GITHUB.parse(text):
        acting += [block.type] if block.type in {*ACTS, "heading_open", "ordered_list_open", "fence"} else []
        for token in block.children or []:
            acting += [token.type] if token.type in ACTS else []
            texts.append(token.content)
    return "".join(texts), acting


@given(st.lists(PIECES, max_size=9).map("".join))
@example("<img src=x onerror=alert(1)>")
@example("![x](https://evil.example/x.png)")
@example("1234567. z")
@example("[a]: https://evil.example")
@pytest.mark.parametrize("place", PLACES)
def test_a_name_is_text_and_nothing_else_wherever_it_stands(place, name):
    seen = " ".join(printable(name).split())
    texts, acting = shown(place.replace("{}", markdown(name)))
    assert not acting
    assert seen in texts
    assert not ADDRESS.search(markdown(name)), "a bare address would become a link on GitHub"


def test_a_project_with_odd_names_is_promoted_and_its_card_shows_them(project, tmp_path):
    odd = ("![a](http://x.y/z.png)", "<script>alert(1)</script> | b", "1. *c*")
    labels = [name for name in odd for _ in range(4)]
    project.round(project.predictions(labels, labels, labels, benchmark_set="__set__"), classes=odd)
    figures = pd.DataFrame({"set": "test", "class": odd, "precision": 0.5, "recall": 0.4, "f1": 0.5, "support": 4})
    figures.assign(predicted=4).to_csv(project.root / "reports/evaluate/per_class.csv", index=False)
    project.commit("figures")
    promote(Project(project.root), Choice(accept_unknown=True))  # 12 images are too few to tell
    card = (project.root / "models/production.md").read_text()
    texts, acting = shown(card)
    acting.remove("strong_open")  # the card itself says in bold that the gate could not tell
    assert set(acting) <= {"heading_open", "code_inline"}
    assert all(name in texts for name in odd)
    assert all(f"{name}: finds 40%" in texts for name in odd)
    assert set(project.run("git", "tag").split()) == {"classifier@v1.0.0", "classifier#production#1"}
