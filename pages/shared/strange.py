"""What is said of a drawing that does not look like a digit, and how that was decided."""

from __future__ import annotations

import streamlit as st

from core.data.dataset import Images
from core.data.drawn import to_digit
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.shipped import shipped_root
from core.runs.strangeness import Judge, read
from pages.shared.markdown import sentence


@st.cache_resource(show_spinner=False)
def judge() -> Judge | None:
    """One for all visitors and all networks; it needs no images."""
    return read(shipped_root())


def warn_of_stranger(image: Images) -> bool:
    """Draw a warning where the image (28, 28) uint8 looks less like a digit than nearly all real ones; whether it does.

    Whatever step of the preparation is switched off for the networks, the judge sees the drawing with all of them.
    """
    try:
        with faults_as_input_errors():
            the_judge = judge()
            strange = the_judge is not None and the_judge.is_stranger(to_digit(image).image)
    except InputError as error:
        st.error(f"Whether this looks like a digit can not be said. {sentence(error)}", icon=":material/error:")
        return False
    if strange:
        st.warning("This does not look like a digit. Each network names one all the same.", icon=":material/help:")
    return strange


def show_how_decided() -> None:
    """Draw how it is decided whether a drawing looks like a digit, where anything can be said of that."""
    from core.inspect.strangeness import REAL_SHARE

    if (the_judge := judge()) is None:
        return
    made = the_judge.strangeness
    st.caption(
        "Whether a drawing looks like a digit is decided by what the layers of the CNN that comes with Digit Lab make of it, "
        "and by a small network that sees the drawing alone. Both learned from "
        f"{made.n_digits:,} training images of MNIST and {made.n_strangers:,} scribbles, shapes and pairs of digits, drawn by "
        f"rule. The limits are set so that {100 * REAL_SHARE:.1f} of 100 real digits pass "
        f"({made.n_val:,} validation images of MNIST, one run, one seed)."
    )
