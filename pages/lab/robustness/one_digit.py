"""Where one digit breaks: which digit each network reads wherever this one is moved to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.charts.robustness import describe_shift_map, shift_map
from core.charts.theme import CONFIG
from core.data.dataset import Images, Labels
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.shared.chart_ink import inked
from pages.shared.digit_choice import its_label, pick_digit
from pages.shared.gallery import is_dark
from pages.shared.inside_link import see_inside
from pages.shared.legend_labels import legend_labels
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import predictor
from pages.shared.tables import show_table

REACH = 8  # pixels that the digit moves at most, up, down, left and right
SHIFTS = tuple(range(-REACH, REACH + 1))


def show(runs: Sequence[Run]) -> None:
    """Draw the choice of a digit, and a map for each run."""
    image = pick_digit()
    truth = its_label()
    st.caption(
        f"Each place is the same digit, moved down and to the right by so many whole pixels, at most {REACH} each "
        "way; what leaves the image is lost. The number says what the network reads there. "
        + ("Filled squares are wrong." if truth is not None else "Nobody has said which digit this is, so filled squares are "
           "where it reads another digit than in the middle.")
    )  # fmt: skip
    names, tables = legend_labels(runs), []
    with st.grid(min(2, len(runs)), min_column_width=320):
        for run, name in zip(runs, names, strict=True):
            with st.container():
                st.markdown(f"**{escape_markdown(name)}**")
                try:
                    with faults_as_input_errors(), st.spinner(f"{escape_markdown(name)} reads it at every place …"):
                        answers = _answers(run.run_id, run.version, image.tobytes(), run, image)
                except InputError as error:
                    st.error(f"{escape_markdown(name)} has no map. {sentence(error)}", icon=":material/error:")
                    continue
                words = describe_shift_map(answers, SHIFTS, truth)
                st.plotly_chart(
                    inked(shift_map(answers, SHIFTS, truth, dark=is_dark())), key=f"robustness_map_{run.run_id}",
                    alt=f"{name}: {words}", config=dict(CONFIG),
                )  # fmt: skip
                st.caption(words)
                tables.append(_table(name, answers, SHIFTS))
    see_inside(runs, image)
    twin = st.expander("The same as a table", key="robustness_map_twin", on_change="rerun")
    if twin.open and tables:
        show_table(
            pd.concat(tables, ignore_index=True), "moved_digit", place=twin, height=400,
            alt="What each run reads of the digit, a row for every shift down and every run",
        )  # fmt: skip


@st.cache_resource(show_spinner=False, max_entries=256)
def _answers(run_id: str, version: int, pixels: bytes, _run: Run, _image: Images) -> Labels:
    """What a run reads at every place, (S, S): first axis down, second right."""
    from core.inspect.robustness import shift_grid

    return shift_grid(predictor(_run), _image, REACH).answers


def _table(name: str, answers: Labels, shifts: Sequence[int]) -> pd.DataFrame:
    """A row per shift down, a column per shift to the right."""
    table = pd.DataFrame(np.asarray(answers), columns=[f"{right:+d} right" for right in shifts])
    table.insert(0, "down", [f"{down:+d}" for down in shifts])
    table.insert(0, "run", name)
    return table
