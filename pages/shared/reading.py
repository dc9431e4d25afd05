"""How far a network is that reads images for the first time: of a shipped one that takes a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pages.shared.status import duration

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

REDRAW_SECONDS = 0.2


def reading_bar(place: DeltaGenerator, n_images: int, number: int = 1, n_runs: int = 1) -> Callable[[int], None]:
    """What is told how many images a network has read, and draws it into ``place``; nothing is drawn where nothing is read.

    n_images: of all · number, n_runs: it is so far the how many-th of how many networks that are asked
    """
    began = drawn = time.monotonic()

    def draw(n_read: int) -> None:
        nonlocal drawn
        now = time.monotonic()
        if now - drawn < REDRAW_SECONDS and n_read < n_images:
            return
        drawn = now
        which, of_it = (f"Network {number} of {n_runs}: ", " for it") if n_runs > 1 else ("", "")
        seconds = (now - began) * (n_images - n_read) / n_read
        left = f", about {duration(seconds)} left{of_it}" if n_read < n_images else ""
        place.progress((number - 1 + n_read / n_images) / n_runs, f"{which}{n_read:,} of {n_images:,} images{left}")

    return draw
