"""Three ways on from Home: lessons, the lab, and what teachers need."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import InputError
from core.experiments.lessons import COURSES, lessons
from core.experiments.presets import PRESETS
from pages.shared.component import ASSETS
from pages.shared.markdown import escape_markdown
from pages.shared.services import launch

FIRST_EXPERIMENT = PRESETS["first-look"]
PICTURE_WIDTH = 240  # pixels
DOOR_WIDTH = 260  # pixels, the least


def doors() -> None:
    """Draw them beside each other, alike: a picture, what is behind it, a button, and a smaller way in."""
    with st.grid(3, min_column_width=DOOR_WIDTH):
        with _door(
            "lessons", "Lessons", "A guess marked with a question mark, an arrow, and dots that show what came out"
        ):
            _text(
                f"Guess what will come out, let it run on this computer, and see why. {len(lessons()):,} lessons in "
                f"{len(COURSES)} courses of a school hour."
            )
            if st.button("Open the lessons", icon=":material/school:", key="door_open_lessons"):
                st.switch_page("pages/learn/lessons/page.py")
            st.page_link("pages/learn/words/page.py", label="Look up a word", icon=":material/menu_book:")
        with _door("lab", "Lab", "A small network, and two curves that rise while networks learn"):
            _text(
                "Train networks of your own, change one thing at a time, and look inside. A first experiment takes about "
                "half a minute: two networks learn from the same digits."
            )
            _first_experiment()
            st.page_link("pages/lab/train/page.py", label="Set up your own training", icon=":material/timeline:")
        with _door("teachers", "For teachers", "A board on which a class has put its guesses as dots"):
            _text(
                "What a class can do together: lesson plans of 45 and 90 minutes, guesses and challenges with a board that "
                "fills, and links to hand out."
            )
            if st.button("Prepare a class", icon=":material/groups:", key="door_open_teachers"):
                st.switch_page("pages/learn/teachers/page.py")
            st.page_link(
                "pages/learn/teachers/page.py", label="Read the lesson plans", icon=":material/event_note:",
                query_params={"view": "plans"},
            )  # fmt: skip


def _door(picture: str, title: str, alt: str) -> DeltaGenerator:
    place = st.container(border=True, height="stretch", key=f"door_{picture}")
    with place:
        st.image(str(ASSETS / "doors" / f"{picture}.svg"), width=PICTURE_WIDTH, alt=alt)
        st.subheader(title, anchor=False)
    return place


def _text(words: str) -> None:
    """Takes the height that is left, so that the buttons of all doors stand level."""
    with st.container(height="stretch"):
        st.write(words)


def _first_experiment() -> None:
    if st.button("Start the first experiment", icon=":material/play_arrow:", key="first"):
        try:
            started = launch(FIRST_EXPERIMENT.configs())
        except InputError as error:
            st.error(escape_markdown(error), icon=":material/error:")
        else:
            st.switch_page("pages/lab/train/page.py", query_params={"run": ",".join(started)})
