"""What every measurement on this machine heeds: it waits for trainings, and for other visitors who measure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, Literal, ParamSpec

import streamlit as st

from pages.shared.services import get_ready, store
from pages.shared.status import is_active

P = ParamSpec("P")


def heeding_trainings(draw: Callable[Concatenate[bool, P], None]) -> Callable[P, None]:
    """``draw`` as a fragment that is first told whether a network is being trained, and is up to date with that."""
    busy = _is_training()

    @wraps(draw)
    def draw_again(*args: P.args, **kwargs: P.kwargs) -> None:
        get_ready()  # a fragment has a thread of its own
        if _is_training() != busy:
            st.rerun()
        draw(busy, *args, **kwargs)

    return st.fragment(run_every=2.0 if busy else None)(draw_again)


def measure_button(
    label: str, busy: bool, *, key: str, help: str, type: Literal["primary", "secondary"] = "secondary"
) -> bool:
    """Whether it was pressed. Where it can not be, ``why_not`` says the reason."""
    return st.button(label, type=type, icon=":material/speed:", disabled=busy, key=key, help=help) and not busy


def why_not(busy: bool) -> None:
    """Below the button: why it can not be pressed."""
    if busy:
        st.caption("Measuring has to wait: a network is being trained, and both would be slowed down.")


@contextmanager
def turn(then: str = "Their figures will stand here, too.") -> Iterator[bool]:
    """Whether it is this visitor's turn to measure; where it is not, says so, and what comes ``then``."""
    lock = _lock()
    mine = lock.acquire(blocking=False)
    if not mine:
        st.info(f"Somebody else is measuring at the moment. {then}")
    try:
        yield mine
    finally:
        if mine:
            lock.release()


def has_to_stop() -> bool:
    """Whether a training has begun since the button was pressed; says so."""
    begun = _is_training()
    if begun:
        st.info("A training has begun, so measuring has stopped: both would be slowed down.")
    return begun


def said_threads(n: int) -> str:
    """1 thread, 2 threads"""
    return "1 thread" if n == 1 else f"{n:,} threads"


@st.cache_resource(show_spinner=False)
def _lock() -> threading.Lock:
    """Held by the one visitor who measures."""
    return threading.Lock()


def _is_training() -> bool:
    """Whether a network is being trained, or about to be."""
    return any(is_active(run) for run in store().runs())
