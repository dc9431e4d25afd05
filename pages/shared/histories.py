"""What runs have told so far, read once for all visitors; a run that is watched is read on, never again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.history import frame
from pages.shared.services import store

Rows = tuple[Mapping[str, Any], ...]


@dataclass(eq=False, slots=True)
class _Read:
    """What has been read of one run, up to the event ``seq``; whoever reads on holds the lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seq: int = 0
    rows: Rows = ()
    points: pd.DataFrame = field(default_factory=lambda: frame(()))


@st.cache_resource(show_spinner=False, max_entries=128)
def _read(run_id: str) -> _Read:
    """One for all visitors and versions: a run that is watched grows four times a second."""
    return _Read()


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
