"""What is said of a drawing that does not look like a digit to a network, and how that was decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.data.dataset import Images
from core.errors import InputError
from core.runs.rows import Run
from pages.lab.draw.strangeness_job import strangeness_jobs
from pages.shared.busy import fragment
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import predictor

if TYPE_CHECKING:
    from core.inspect.strangeness import Strangeness

POLL_SECONDS = 2.0


def is_stranger(run: Run, image: Images) -> bool:
    """Whether the image looks less like a digit to the run than nearly all real ones; False while nothing is known.

    Raises what torch fails with.
    """
    made = strangeness_jobs().of(run)
    if made is None or isinstance(made, InputError):
        return False
    network = predictor(run)
    return made.is_stranger(network.module, image, network.mean, network.std)


def show_stranger(run: Run) -> None:
    """The sentence under an answer."""
    from core.inspect.strangeness import REAL_SHARE

    st.caption(
        f":material/help: This does not look like a digit to {escape_markdown(run.label)}: its layers find it stranger than "
        f"{100 * REAL_SHARE:.0f} in 100 real ones. It names one all the same."
    )


def how_decided(run: Run) -> str:
    """The help of an answer: how it is decided whether a drawing looks like a digit, or why it is not."""
    made = strangeness_jobs().of(run)
    if made is None:
        return (
            "Whether a drawing looks like a digit to it is being worked out beside the page; that takes up to a minute."
        )
    if isinstance(made, InputError):
        return f"Whether a drawing looks like a digit to it can not be said. {sentence(made)}"
    return _help(made)


def _help(made: Strangeness) -> str:
    from core.inspect.strangeness import REAL_SHARE

    return (
        "Whether a drawing looks like a digit to it is decided by what its layers make of the drawing, compared with what they "
        f"make of {len(made.digits):,} of its training images and of {made.n_strangers:,} scribbles, shapes and pairs of "
        f"digits, drawn by rule. The limit is set so that {100 * REAL_SHARE:.0f} in 100 of its {made.n_val:,} validation "
        "images pass (one run, one seed)."
    )


def draw_again_when_known(runs: Sequence[Run]) -> None:
    """Draw the page once more as soon as it has been worked out for one more of the runs."""
    waiting = [run for run in runs if strangeness_jobs().of(run) is None]
    if waiting:
        fragment(_look, run_every=POLL_SECONDS)(waiting)


def _look(waiting: Sequence[Run]) -> None:
    if any(strangeness_jobs().of(run) is not None for run in waiting):
        st.rerun()
