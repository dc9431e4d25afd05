"""The link to a challenge that pupils are given."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from core.runs.challenges import Challenge

ADDRESS = "/teachers"  # of this page, below the root of the server
THIS_COMPUTER = frozenset({"localhost", "127.0.0.1", "::1"})


def challenge_link(challenge: Challenge) -> None:
    """Draw it, to be copied or followed."""
    here = urlsplit(st.context.url or "")
    root = here._replace(path=here.path.rstrip("/").removesuffix(ADDRESS), query="", fragment="").geturl()
    st.markdown("**Link for the class**")
    st.code(f"{root}/train?challenge={challenge.challenge_id}", language=None, wrap_lines=True)
    if here.hostname in THIS_COMPUTER:
        st.caption(
            f"“{here.hostname}” is this computer alone. Others need its name or address on your network in that place, and the "
            "server has to be open to them."
        )
    st.page_link(
        "pages/lab/train/page.py", label="Open it as a pupil", icon=":material/open_in_new:",
        query_params={"challenge": challenge.challenge_id},
    )  # fmt: skip
