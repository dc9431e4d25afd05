"""Home: write a digit and see who reads it, then three ways on, and what is training now."""

from __future__ import annotations

import streamlit as st

from core.experiments.lessons import lessons
from core.runs.readers import first_readers
from pages.learn.home.doors import doors
from pages.learn.home.first_digit import first_digit
from pages.learn.home.now import training_now
from pages.learn.home.prefetch import fetch_ahead
from pages.shared.markdown import escape_markdown
from pages.shared.services import store
from pages.shared.watch import watch_start

st.title("Digit Lab")
readers = first_readers(store().runs())
if readers:
    st.write(
        f"Write a digit. {len(readers):,} networks, each built in another way, came with Digit Lab and read it at once."
    )
    first_digit(readers)
    first_lesson = next(iter(lessons().values()))
    with st.container(border=True, key="home_question"):
        st.subheader("Which of them would you trust?", anchor=False)
        st.write(
            "They practised on the same kind of digits, and still they can disagree. The first lesson finds out why."
        )
        st.page_link(
            "pages/learn/lessons/page.py",
            label=f"First lesson: {escape_markdown(first_lesson.title)}",
            icon=":material/arrow_forward:",
            query_params={"lesson": first_lesson.id},
        )
else:
    st.write(
        "Here you train small neural networks that read handwritten digits, and see how differently they go about it. "
        "Then you look at their mistakes and write digits of your own for them to read."
    )
doors()
st.subheader("Training now")
training_now()
fetch_ahead()
watch_start(".st-key-first button", "The two networks wait to start …", "home_start")
