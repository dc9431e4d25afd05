"""What runs have told so far, read once for all visitors; a run that is watched is read on, never again."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.history import frame
from core.runs.rows import Run
from pages.shared.services import store

REDRAW = 0.75  # seconds; a visitor looks once a second, so one alone always sees the newest
Rows = tuple[Mapping[str, Any], ...]


@dataclass(eq=False, slots=True)
class _Read:
    """What has been read of one run, up to the event ``seq``, and up to where and when charts last showed it; whoever
    reads on holds the lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seq: int = 0
    rows: Rows = ()
    points: pd.DataFrame = field(default_factory=lambda: frame(()))
    drawn: int = 0
    drawn_at: float = 0.0


@st.cache_resource(show_spinner=False, max_entries=128)
def _read(run_id: str) -> _Read:
    """One for all visitors and versions: a run that is watched grows four times a second."""
    return _Read()


def drawn_version(run: Run) -> int:
    """The version of a run that charts show now. While it trains it stands still for 0.75 s, so that visitors whose seconds
    fall at different moments look at the same drawing instead of having one made for each of them."""
    read, now = _read(run.run_id), time.monotonic()
    with read.lock:
        if run.status != "running" or now - read.drawn_at >= REDRAW:
            read.drawn, read.drawn_at = max(read.drawn, run.version), now
        return read.drawn


def history(run_id: str, version: int) -> tuple[Rows, pd.DataFrame]:
    """A run's events and their frame, at least up to ``version``; only what is new is read. Nobody changes either."""
    read = _read(run_id)
    with read.lock:
        if read.seq < version:
            new = store().history(run_id, after=read.seq)
            if read.seq and any(event["event"] == "started" for _, event in new):  # some of what was read is taken back
                read.seq, read.rows, read.points = 0, (), frame(())
                new = store().history(run_id)
            if new:
                events = [event for _, event in new]
                n_train = next((row["n_train"] for row in read.rows if row["event"] == "started"), None)
                read.points = pd.concat([read.points, frame(events, n_train)], ignore_index=True)
                read.rows, read.seq = (*read.rows, *events), new[-1][0]
        return read.rows, read.points
