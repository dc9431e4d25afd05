"""The link to a page as it is set up: to be copied, and what has to be said about it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

import streamlit as st

THIS_COMPUTER = frozenset({"localhost", "127.0.0.1", "::1"})


def page_link(page: str, query: Mapping[str, str]) -> None:
    """Draw it. page: its address, such as "train" """
    here = urlsplit(st.context.url or "")
    root = here._replace(path=here.path.rpartition("/")[0], query="", fragment="").geturl()
    address = f"{root}/{page}?{urlencode(query, safe=',~;:=')}"
    st.code(address.removesuffix("?"), language=None, wrap_lines=True)
    if here.hostname in THIS_COMPUTER:
        st.caption(
            "This link works on this computer only. Open this page by the address that other computers know this one by, then "
            "the link is right for them, too."
        )
