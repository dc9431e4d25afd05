"""What the words on the pages mean, as ``assets/glossary.md`` says it: for the page "Words" and for a hint beside a chart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

ROOT = Path(__file__).parents[2]
FILE, PAGE = ROOT / "assets" / "glossary.md", ROOT / "pages" / "learn" / "words" / "page.py"
ALSO = "Also: "


@dataclass(frozen=True, slots=True)
class Term:
    """A word. group: the heading it stands under · also: other forms of it · text: one or a few sentences, as Markdown"""

    name: str
    group: str
    also: tuple[str, ...]
    text: str


@cache
def terms() -> Mapping[str, Term]:
    """All of them by name, in the order of the file."""
    by_name: dict[str, Term] = {}
    for part in FILE.read_text(encoding="utf-8").split("\n## ")[1:]:
        group, *entries = part.split("\n### ")
        for entry in entries:
            name, *lines = entry.strip().split("\n")
            also = lines.pop(0).removeprefix(ALSO).split(", ") if lines[0].startswith(ALSO) else []
            by_name[name] = Term(name, group.strip(), tuple(also), " ".join(lines))
    return by_name


def term_in(title: str) -> Term | None:
    """The word that a heading or the title of an axis is about; None without any.

    What stands in parentheses is mostly a unit, so it is looked at last. Where there are several, the longest one counts.
    """
    forms = {form.casefold(): term for term in terms().values() for form in (term.name, *term.also)}
    whole = title.casefold()
    if whole in forms:
        return forms[whole]
    for text in (whole.split(" (")[0], whole):
        within = [form for form in forms if re.search(rf"(?<![\w-]){re.escape(form)}(?![\w-])", text)]
        if within:
            return forms[max(within, key=len)]
    return None


def explained(titles: Iterable[object], columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a table, each with the meaning of its word behind its heading, where it has no help of its own."""
    config = {str(title): dict(columns.get(str(title), {})) for title in titles}
    for title, column in config.items():
        if not column.get("help") and (term := term_in(title)):
            column["help"] = term.text
    return config


def explain(*names: str) -> None:
    """A button that opens what these words mean, with the way to all of them. Raises KeyError for an unknown word."""
    with st.popover("What the words mean", icon=":material/menu_book:"):
        st.markdown("\n".join(f"- **{name}**: {terms()[name].text}" for name in names))
        st.page_link(st.Page(PAGE, url_path="words"), label="All words", icon=":material/arrow_forward:")
