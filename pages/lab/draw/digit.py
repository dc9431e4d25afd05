"""The visitor's digit: drawn, uploaded, or taken from the data."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core.analysis.images import sample
from core.data import EMBEDDED, present_names
from core.data.dataset import N_CLASSES
from core.data.drawn import MAX_UPLOAD_BYTES, Drawn, from_rgba, from_upload, to_digit
from core.errors import DataError
from core.runs.rows import Run
from pages.lab.draw.canvas import canvas
from pages.shared.choices import Between, choose, follow, keep
from pages.shared.locks import is_fixed
from pages.shared.markdown import escape_markdown
from pages.shared.services import dataset
from pages.shared.uploads import one_at_a_time, refusal, visit_mb

UPLOAD_MB = MAX_UPLOAD_BYTES // 2**20  # Streamlit counts in these
FILE = "draw_file"  # key of the field
TURN, LAST_TURN = "draw_turn", 999_999  # session state: which image of the data
SOURCES = {"pad": "Draw it", "file": "Upload a picture", "sample": "Take one from the data"}


def digit_from(source: str, run: Run, crop: bool, centre: bool) -> tuple[Drawn | None, int | None]:
    """The digit as the networks get it (None: nothing yet), and its label where there is one. Raises DataError.

    source: one of ``SOURCES`` · run: whose dataset the sample comes from · crop, centre: steps of ``core.data.drawn``
    """
    if source == "pad":
        pixels = canvas("draw_pad")
        return (None if pixels is None else from_rgba(pixels, crop=crop, centre=centre)), None
    if source == "file":
        file = st.file_uploader(
            "Picture of one digit (PNG or JPEG)", type=["png", "jpg", "jpeg"], max_upload_size=UPLOAD_MB,
            key=FILE, help="Dark on light or light on dark.",
        )  # fmt: skip
        st.caption(f"At most {UPLOAD_MB} MB a picture and {visit_mb():,} MB a visit.")
        if file is None:
            if reason := refusal(FILE):
                st.error(escape_markdown(reason), icon=":material/error:")
            return None, None
        with one_at_a_time():
            return from_upload(file.getvalue(), crop=crop, centre=centre), None
    return _sample(run, crop, centre)


def _another() -> None:
    st.session_state[TURN] = (st.session_state[TURN] + 1) % (LAST_TURN + 1)


def _sample(run: Run, crop: bool, centre: bool) -> tuple[Drawn, int]:
    name = run.config["data"]["dataset"]
    data = dataset(name if name in present_names() else EMBEDDED)  # a shipped run comes without its images
    wanted = choose(
        "Digit", "sample", "draw_digit", range(N_CLASSES), None, st.pills, help="Which digit; none chosen: any."
    )
    follow("turn", TURN, Between(0, LAST_TURN), 0)
    choice = st.session_state[TURN]
    keep("turn", choice, 0)
    st.button("Another one", type="primary", icon=":material/shuffle:", on_click=_another, disabled=is_fixed("turn"))
    present = np.unique(data.test_labels)
    digit = wanted if wanted is not None else int(present[choice % len(present)])
    picked = sample(data.test_labels, [digit], 1, choice)
    if not len(picked):
        raise DataError(f"there is no {digit} among the test images of {data.title}: choose another digit")
    index = picked[0]
    label = int(data.test_labels[index])
    st.caption(f"Test image {index:,} of {data.title}. Its label says {label}. {run.older_split}".rstrip())
    return to_digit(data.test_images[index], crop=crop, centre=centre), label
