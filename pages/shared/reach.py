"""Who can reach this server, and what is said where that is more than whoever sits before it."""

from __future__ import annotations

import ipaddress
import os

import streamlit as st

DISMISSED = "reach_dismissed"  # session state: whether this visitor has read it


def reach_warning() -> str:
    """A sentence where other machines reach this server and nobody has said that this is meant; else ""."""
    address = st.get_option("server.address") or "0.0.0.0"  # noqa: S104 - what an empty one means to Streamlit
    if os.environ.get("DIGIT_LAB_SHARED") == "1" or _is_this_machine(address):
        return ""
    return (
        f"Other machines can reach this server (its address is {address}), and everybody who does can start, stop and delete "
        "runs. If that is meant, start it with DIGIT_LAB_SHARED=1; else with --server.address=127.0.0.1."
    )


def show_reach() -> None:
    """The sentence above the page, until the visitor has read it."""
    warning = reach_warning()
    if not warning or st.session_state.get(DISMISSED):
        return
    with st.container(horizontal=True, vertical_alignment="center", key="reach"):
        st.warning(warning, icon=":material/public:")
        st.button("Understood", key="reach_understood", on_click=_dismiss)


def _dismiss() -> None:
    st.session_state[DISMISSED] = True


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost" or address.startswith("unix:")
