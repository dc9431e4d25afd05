"""What a page shows while the store can not be read or written, and how it goes on by itself when that has passed.

Streamlit handles what a fragment raises before the page around it hears of it, so every fragment has a guard of its own:
``fragment`` is the only door to ``st.fragment``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec

import streamlit as st

from core.errors import InputError
from core.runs.schema import StorageError
from pages.shared.markdown import sentence
from pages.shared.services import store

P = ParamSpec("P")

RETRY_SECONDS = 3.0  # between two looks at a store that is busy, full or away


def fragment(draw: Callable[P, None], *, run_every: float | None = None) -> Callable[P, None]:
    """``draw`` as a fragment that shows a fault of the storage as a sentence. run_every: seconds between two runs"""

    @wraps(draw)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        with busy_instead("This part of the page"):
            draw(*args, **kwargs)

    return st.fragment(run_every=run_every)(guarded)


@contextmanager
def busy_instead(what: str) -> Iterator[None]:
    """Where the store is busy, full or away: says that ``what`` can not be shown, and draws the page anew once it can be."""
    try:
        yield
    except StorageError as error:
        st.error(
            f"{what} can not be shown just now, but nothing is lost. {sentence(error)} It is tried again every "
            f"{RETRY_SECONDS:g} seconds.", icon=":material/hourglass_empty:",
        )  # fmt: skip
        _try_again(time.monotonic())


@st.fragment(run_every=RETRY_SECONDS)
def _try_again(drawn_at: float) -> None:
    if time.monotonic() - drawn_at < RETRY_SECONDS / 2:  # the fault was met this moment
        return
    try:
        store().runs(group="none")
    except InputError:  # opened by a newer version meanwhile: the page says so when it is drawn next
        return
    st.rerun()
