"""t-SNE in the background: one map at a time for all visitors, and every map kept for whoever looks next."""

from __future__ import annotations

from collections.abc import Generator, Hashable
from typing import TYPE_CHECKING, TypeAlias

import streamlit as st

from core.runs.background import BackgroundJobs, Job, Progress

if TYPE_CHECKING:
    from core.inspect.activations import Floats

MAX_KEPT = 64  # maps; one of 2,000 images takes 16 kB
MapProgress: TypeAlias = (
    "Progress[Floats]"  # done, of: steps · results: the points (N, 2), also of a map that was stopped
)


@st.cache_resource(show_spinner=False)
def map_jobs() -> BackgroundJobs[Floats]:
    """One for all visitors."""
    return BackgroundJobs("maps", max_kept=MAX_KEPT)


def start_map(jobs: BackgroundJobs[Floats], key: Hashable, vectors: Floats) -> None:
    """Make a map of these vectors (N, D), unless it is there or on its way. Raises InputError when too many wait."""

    def points(job: Job[Floats]) -> Generator[Floats, None, None]:
        from core.inspect.tsne_process import tsne_apart

        yield tsne_apart(vectors, job.report, job.should_stop)

    if jobs.progress(key).state != "ended":
        jobs.start(key, points)
