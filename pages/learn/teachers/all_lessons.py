"""What a class has done in all lessons: a row for each in which somebody of it has guessed."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.experiments import lessons
from core.experiments.class_board import Progress, class_progress
from core.runs.guesses import of_class
from pages.shared.services import store
from pages.shared.tables import show_table


def all_lessons(code: str) -> None:
    """Draw them, folded: how many guessed right would tell what came out. code: of the class"""
    place = st.expander("This class in all lessons", key="all_lessons", on_change="rerun")
    if not place.open:
        return
    with place:
        rows = [
            class_progress(lesson, came_in)
            for lesson in lessons.lessons().values()
            if (came_in := of_class(store(), code, lesson.id))
        ]
        if not rows:
            st.caption("Nobody of this class has guessed in any lesson yet.")
            return
        show_table(
            _frame(rows), f"class-{code}", key="all_lessons_table", column_config=_COLUMNS,
            alt=f"{len(rows):,} lessons of the class {code} with how many guessed, and how many of those who know were right",
        )  # fmt: skip
        st.caption(
            "Of each pupil the first guess in a lesson counts. Right and close: of those who have seen what came out."
        )
        with st.container(horizontal=True):
            for row in rows:
                st.page_link(
                    "pages/learn/teachers/page.py", label=f"Board of “{row.title}”", icon=":material/scatter_plot:",
                    query_params={"view": "guesses", "lesson": row.lesson_id, "class": code},
                )  # fmt: skip


def _frame(rows: Sequence[Progress]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "lesson": row.title,
            "locked in": row.n_counted,
            "right": row.n_right,
            "close": row.n_close,
            "have seen it": row.n_revealed,
        }
        for row in rows
    )


_COLUMNS = {
    "lesson": st.column_config.TextColumn(width=120),
    "locked in": st.column_config.NumberColumn(width=62, help="How many pupils have locked in a guess."),
    "right": st.column_config.NumberColumn(width=50),
    "close": st.column_config.NumberColumn(width=50, help="Near enough to count: a number, a curve, a band or an order."),
    "have seen it": st.column_config.NumberColumn(width=82, help="How many have seen what came out."),
}  # fmt: skip
