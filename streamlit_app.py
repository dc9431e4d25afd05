"""The frame around every page: what the browser tab shows, the logo and the menu.

Two read this file. The server takes ``app`` from it, once; for every visitor it is then run as the script of the page.
"""

from __future__ import annotations

import streamlit as st

from core.errors import InputError
from pages.parts.services import serving, store, warm_up
from pages.parts.watch import routes
from pages.parts.words import inert


def frame() -> None:
    """Draw the page that the address asks for, inside the frame."""
    st.set_page_config(page_title="Digit Lab", page_icon="assets/favicon.svg", layout="wide")
    st.logo("assets/logo.svg", size="large", icon_image="assets/favicon.svg")

    learn = [
        st.Page("pages/learn/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/learn/data.py", title="Data", icon=":material/grid_view:"),
        st.Page("pages/learn/architectures.py", title="Architectures", icon=":material/account_tree:"),
    ]
    lab = [
        st.Page("pages/lab/train.py", title="Train", icon=":material/timeline:"),
        st.Page("pages/lab/race.py", title="Race", icon=":material/flag:"),
        st.Page("pages/lab/mistakes.py", title="Mistakes", icon=":material/rule:"),
        st.Page("pages/lab/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("pages/lab/draw.py", title="Draw", icon=":material/draw:"),
    ]
    page = st.navigation({"Learn": learn, "Lab": lab})
    try:
        notice = store().notice
    except InputError as error:
        st.error(inert(error), icon=":material/error:")
        st.stop()
    if notice:
        st.warning(inert(notice), icon=":material/warning:")
    page.run()
    warm_up()


if __name__ == "__main__":
    frame()
else:
    app = st.App(__file__, routes=routes(), lifespan=serving)
