"""Texts of our own in which a line may be a link to a page: ``- [Shuffle the pixels](train?pixel_order=shuffled) What now?``

Such a line is a list item in Markdown; here it becomes a link that opens in the same tab, with what follows it below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import parse_qsl

import streamlit as st

_LINE = re.compile(r"- \[(?P<label>[^\]]+)\]\((?P<page>[a-z]+)(?:\?(?P<query>[^)\s]+))?\)(?: (?P<more>.+))?")
_LEARN = ("lessons", "data", "architectures", "words")  # pages in that folder; all others stand in the lab


class TextLink(NamedTuple):
    """page: its address · more: the sentence that follows, "" without one"""

    label: str
    page: str
    query: Mapping[str, str]
    more: str


def parts(text: str) -> Iterator[str | TextLink]:
    """The text in order: Markdown between the links, and each link."""
    lines: list[str] = []
    for line in text.splitlines():
        if (match := _LINE.fullmatch(line)) is None:
            lines.append(line)
            continue
        if before := "\n".join(lines).strip():
            yield before
        lines.clear()
        query = MappingProxyType(dict(parse_qsl(match["query"] or "", strict_parsing=bool(match["query"]))))
        yield TextLink(match["label"], match["page"], query, match["more"] or "")
    if after := "\n".join(lines).strip():
        yield after


def show_linked(text: str) -> None:
    """Draw it."""
    for part in parts(text):
        if isinstance(part, str):
            st.markdown(part)
            continue
        with st.container(gap=None):
            st.page_link(
                page_file(part.page), label=part.label, icon=":material/arrow_outward:", query_params=dict(part.query)
            )
            if part.more:
                st.caption(part.more)


def page_file(address: str) -> str:
    """Where the page of an address stands, as ``st.page_link`` takes it."""
    return f"pages/{'learn' if address in _LEARN else 'lab'}/{address}/page.py"
