"""The lesson plans out of docs/teaching.md, the one place where they are written, with links that open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from core.data.paths import CHECKOUT
from pages.shared.link_names import NAMES

GUIDE = CHECKOUT / "docs" / "teaching.md"
PLANS, AFTERWARDS = "Three lesson plans", "What may be said afterwards"  # headings in it
_ADDRESS = re.compile(rf"`(?P<page>lessons|{'|'.join(NAMES)})(?P<query>\?[^`\s]+)?`")
_ELSEWHERE = re.compile(
    r"\[(?P<words>[^\]]+)\]\((?P<file>[^)#]*\.md)[^)]*\)"
)  # another document, which has no page here


def plans() -> None:
    """Draw them, one at a time, and what may be said at the end of a lesson."""
    if not GUIDE.is_file():
        st.info(
            "The lesson plans are in docs/teaching.md, which did not come with this copy of Digit Lab.",
            icon=":material/description:",
        )
        return
    introduction, by_title = read_plans(GUIDE)
    st.markdown(introduction)
    for place, plan in zip(st.tabs(list(by_title)), by_title.values(), strict=True):
        with place:
            st.markdown(plan)
    st.markdown(f"**{AFTERWARDS}**")
    st.markdown(_linked(_section(GUIDE.read_text("utf-8"), AFTERWARDS)))


def read_plans(guide: Path) -> tuple[str, Mapping[str, str]]:
    """What is said before the plans, and each plan by its title; Markdown."""
    introduction, *parts = re.split(r"^### ", _section(guide.read_text("utf-8"), PLANS), flags=re.MULTILINE)
    return introduction.strip(), {
        title.strip(): _linked(plan).strip() for title, _, plan in (part.partition("\n") for part in parts)
    }


def _section(text: str, heading: str) -> str:
    """What follows a heading, up to the next one of its rank; "" where there is none."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    return section[1].strip() if section else ""


def _linked(text: str) -> str:
    """Markdown whose addresses of pages are links: they open in a tab of their own, so that the plan stays in sight."""
    text = _ELSEWHERE.sub(r"\g<words> (docs/\g<file>)", text)
    return _ADDRESS.sub(lambda match: f"[{_words(match)}]({match['page']}{match['query'] or ''})", text)


def _words(match: re.Match[str]) -> str:
    """What the link is called: a lesson by its address, since the row says what happens there."""
    return f"Open {match['page'].removesuffix('s') if match['page'] == 'lessons' else match['page'].capitalize()}"
