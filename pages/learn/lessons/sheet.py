"""The pupil's own report, saved with one click."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.experiments.lessons import Lesson
from core.experiments.results import Result
from core.runs.guesses import Guess
from pages.learn.lessons.result import all_runs
from pages.shared.services import store

HTML, MARKDOWN = 0, 1  # places of the two forms


def lab_sheet(lesson: Lesson, guess: Guess, result: Result) -> None:
    """A button for each form. The sheet is made when it is pressed, for that takes a second."""
    with st.container(border=True, key="lab_sheet"):
        st.markdown("**Your lab sheet**")
        st.caption(
            "Your guess, your reason, what came out and how it was tried, with the pictures. On paper: two pages."
        )
        with st.container(horizontal=True):
            for place, form, ending in ((HTML, "to print (HTML)", "html"), (MARKDOWN, "Markdown", "md")):
                name = f"lab-sheet-{lesson.id}.{ending}"
                st.download_button(
                    f"Lab sheet, {form}", partial(_made, lesson, guess, result, place), file_name=name,
                    mime="text/html" if place == HTML else "text/markdown", icon=":material/description:",
                    key=f"lab_sheet_{ending}", on_click="ignore",
                )  # fmt: skip


def _made(lesson: Lesson, guess: Guess, result: Result, place: int) -> bytes:
    from core.export.lab_sheet import LabSheetSource, make

    return make(LabSheetSource(store(), lesson, guess, result, all_runs(lesson, guess))).files[place].content
