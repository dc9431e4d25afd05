"""The frame around every page: what the browser tab shows, the logo and the menu.

Two read this file. The server takes ``app`` from it, once; for every visitor it is then run as the script of the page.
"""

from __future__ import annotations

import sys

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from core.errors import InputError
from core.runs.quota import limits
from core.runs.schema import StorageError
from pages.shared.busy import busy_instead
from pages.shared.guard import Guard
from pages.shared.locks import follow_locks
from pages.shared.markdown import escape_markdown
from pages.shared.pointer import show_pointer
from pages.shared.reach import show_reach
from pages.shared.services import serving, store, warm_up
from pages.shared.surround import surround
from pages.shared.visitor import VisitorCookie
from pages.shared.watch import routes


def _page(section: str, address: str, icon: str, title: str = "") -> StreamlitPage:
    """The page in its folder, under an address that its file's name does not give. title: "" for the address itself"""
    path = f"pages/{section}/{address}/page.py"
    return st.Page(path, url_path=address, title=title or address.capitalize(), icon=icon)


def frame() -> None:
    """Draw the page that the address asks for, inside the frame."""
    st.set_page_config(page_title="Digit Lab", page_icon="assets/favicon.svg", layout="wide")
    st.logo("assets/logo.svg", size="large", icon_image="assets/favicon.svg")

    home = st.Page("pages/learn/home/page.py", title="Home", icon=":material/home:", default=True)
    learn = [
        home,
        _page("learn", "lessons", ":material/school:"),
        _page("learn", "data", ":material/grid_view:"),
        _page("learn", "architectures", ":material/account_tree:"),
        _page("learn", "words", ":material/menu_book:"),
        _page("learn", "teachers", ":material/groups:", "For teachers"),
    ]
    lab = [
        _page("lab", "train", ":material/timeline:"),
        _page("lab", "race", ":material/flag:"),
        _page("lab", "mistakes", ":material/rule:"),
        _page("lab", "compare", ":material/compare_arrows:"),
        _page("lab", "inside", ":material/visibility:"),
        _page("lab", "robustness", ":material/shield:"),
        _page("lab", "draw", ":material/draw:"),
    ]
    page = st.navigation({"Learn": learn, "Lab": lab})
    surround()
    show_reach()
    with busy_instead("This page"):
        _notice()
        show_pointer(page.url_path)
        follow_locks(page.url_path)
        page.run()
        warm_up()


def _notice() -> None:
    """What there is to say about the store; a page without one is not drawn."""
    try:
        notice = store().notice
    except StorageError:
        raise
    except InputError as error:
        st.error(escape_markdown(error), icon=":material/error:")
        st.stop()
    if notice:
        st.warning(escape_markdown(notice), icon=":material/warning:")


if __name__ == "__main__":
    frame()
else:
    from starlette.middleware import Middleware

    try:
        limits()
    except InputError as error:
        sys.exit(str(error))
    passes = [Middleware(Guard), Middleware(VisitorCookie)]
    app = st.App(__file__, routes=routes(), middleware=passes, lifespan=serving)
