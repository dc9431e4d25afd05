"""Benchmarks run one at a time and never beside a training: both would measure, or train, too slowly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, Literal, ParamSpec

import streamlit as st

from pages.shared.busy import fragment
from pages.shared.redraw import redraw_page_if_changed
from pages.shared.services import get_ready, store
from pages.shared.status import is_active

P = ParamSpec("P")

POLL_SECONDS = 2.0  # between two looks at what is training


def fragment_idle_only(draw: Callable[Concatenate[bool, P], None]) -> Callable[P, None]:
    """``draw`` as a fragment whose first argument says whether a network is being trained, up to date with that."""
    busy = _is_training()

    @wraps(draw)
    def draw_again(*args: P.args, **kwargs: P.kwargs) -> None:
        get_ready()  # a fragment has a thread of its own
        redraw_page_if_changed(busy, _is_training())
        draw(busy, *args, **kwargs)

    return fragment(draw_again, run_every=POLL_SECONDS if busy else None)


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
def benchmark_lock(then: str = "Their figures will stand here, too.") -> Iterator[bool]:
    """Whether this visitor may measure now; where another one does, says so, and what comes ``then``."""
    lock = _lock()
    acquired = lock.acquire(blocking=False)
    if not acquired:
        st.info(f"Somebody else is measuring at the moment. {then}")
    try:
        yield acquired
    finally:
        if acquired:
            lock.release()


def training_started() -> bool:
    """Whether a training has begun since the button was pressed; says so."""
    started = _is_training()
    if started:
        st.info("A training has begun, so measuring has stopped: both would be slowed down.")
    return started


def threads_text(n: int) -> str:
    """1 thread, 2 threads"""
    return "1 thread" if n == 1 else f"{n:,} threads"


@st.cache_resource(show_spinner=False)
def _lock() -> threading.Lock:
    """Held by the one visitor who measures."""
    return threading.Lock()


def _is_training() -> bool:
    """Whether a network is being trained, or about to be."""
    return any(is_active(run) for run in store().runs())
