"""Lessons: guess what will come out, let it run on this computer, see what came out and why."""

from __future__ import annotations

import streamlit as st

from pages.learn.lessons.choice import follow
from pages.learn.lessons.courses import courses
from pages.learn.lessons.one_lesson import one_lesson

lesson = follow()
if lesson:
    one_lesson(lesson)
else:
    st.title("Lessons")
    st.write("Guess what will come out, let it run on this computer, then see how close you were, and why.")
    courses()
