"""For teachers: what a class does together, each part with a link to hand out and a board that fills."""

from __future__ import annotations

import streamlit as st

from pages.learn.teachers.challenges import challenges
from pages.learn.teachers.guesses import guesses
from pages.learn.teachers.links import links
from pages.learn.teachers.plans import plans
from pages.shared.link_state import follow_once, remember

VIEWS = {
    "challenges": "Challenges",
    "guesses": "Guesses of a class",
    "links": "Locked links",
    "plans": "Lesson plans",
}  # value of ?view= -> title
VIEW = "teachers_view"  # key of the choice

st.title("For teachers")
st.write(
    "Give a class something to do together, hand out a link, and watch its board fill. Three lesson plans are at hand."
)
if (wanted := follow_once("view", VIEW)) in VIEWS:
    st.session_state[VIEW] = wanted
st.session_state.setdefault(VIEW, next(iter(VIEWS)))
view = st.segmented_control(
    "What to do", list(VIEWS), format_func=VIEWS.__getitem__, required=True, key=VIEW,
    persist_state="session", label_visibility="collapsed",
)  # fmt: skip
remember("view", VIEW, str(view))
if view == "challenges":
    challenges()
elif view == "guesses":
    guesses()
elif view == "links":
    links()
else:
    plans()
