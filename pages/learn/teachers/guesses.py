"""The guesses of a class in a lesson as they come in; what came out stays hidden until the teacher shows it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.experiments import lessons
from core.experiments.class_board import ClassBoard, class_board, class_result, frame, outcomes, summary
from core.experiments.lessons import Lesson
from core.experiments.results import Result
from core.experiments.reveals import truth_words, words
from core.runs.guesses import ClassGuess, of_class
from pages.learn.teachers.all_lessons import all_lessons
from pages.learn.teachers.class_field import class_field
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.link_state import follow_once, remember
from pages.shared.markdown import escape_markdown
from pages.shared.outcomes import LOOKS, outcome_badge
from pages.shared.page_link import page_link
from pages.shared.services import store
from pages.shared.tables import show_table

LESSON = "guesses_lesson"  # key of the menu
SHOWN = "guesses_shown"  # session state: of which lesson and class the result is shown
POLL_SECONDS = 2.0


def guesses() -> None:
    """Draw the link to hand out, and the board that fills."""
    code, lesson = class_field(), _lesson()
    if not code:
        return
    _invitation(lesson, code)
    _board(lesson, code)
    all_lessons(code)


def _lesson() -> Lesson:
    """The one that is chosen, also in the address."""
    everything = lessons.lessons()
    if (lesson_id := follow_once("lesson", LESSON)) in everything:
        st.session_state[LESSON] = lesson_id
    lesson_id = st.selectbox(
        "Lesson", list(everything), format_func=lambda one: everything[one].title, key=LESSON, persist_state="session"
    )
    remember("lesson", LESSON, lesson_id)
    return everything[lesson_id]


def _invitation(lesson: Lesson, code: str) -> None:
    """The code and the link, large enough for the back row, to be copied."""
    with st.container(border=True, key="invitation"):
        st.metric("Code of the class, to be typed on Lessons", code)
        st.markdown("**Link for your class**")
        page_link("lessons", {"lesson": lesson.id, "class": code})


def _board(lesson: Lesson, code: str) -> None:
    """What came in so far; it looks for more by itself."""
    fragment(_draw_board, run_every=POLL_SECONDS)(lesson, code)


def _draw_board(lesson: Lesson, code: str) -> None:
    from core.experiments.pictures import class_figure

    came_in = of_class(store(), code, lesson.id)
    board = class_board(lesson, came_in)
    st.subheader(lesson.question, anchor=False)
    with st.container(horizontal=True):
        st.metric("Guesses", f"{len(board.counted):,}", width="content")
        st.metric("Have seen what came out", f"{board.n_revealed:,}", width="content")
    if not board.counted:
        st.info("Nobody has guessed yet. Each guess stands here within seconds after it is locked in.",
                icon=":material/hourglass_empty:")  # fmt: skip
        return
    result = _shown_result(lesson, code, came_in)
    in_words = summary(lesson, board.values)
    with st.container(border=True, key="class_guesses"):
        st.markdown(f"**{escape_markdown(lesson.guess.ask)}**")
        st.plotly_chart(
            inked(class_figure(lesson, board.values, result).built()), key="class_guesses_chart",
            config={"displayModeBar": False}, alt=in_words if result is None else f"{in_words} {_came_out(lesson, result)}",
        )  # fmt: skip
        st.caption(f"{escape_markdown(in_words)} {_left_out(board)}")
    if result is not None:
        _result(lesson, board, result)
    _reasons(lesson, board)
    with st.expander("Every guess as a table"):
        show_table(frame(lesson, board, result), f"guesses-{lesson.id}-{code}")


def _shown_result(lesson: Lesson, code: str, came_in: Sequence[ClassGuess]) -> Result | None:
    """What came out, as soon as it is to be seen; above it the button that shows or hides it."""
    is_shown = st.session_state.get(SHOWN) == (lesson.id, code)
    st.button(
        "Hide the result" if is_shown else "Show the result", key="guesses_show", type="secondary" if is_shown else "primary",
        icon=":material/visibility_off:" if is_shown else ":material/visibility:", on_click=_show,
        args=(lesson.id, code, not is_shown),
    )  # fmt: skip
    if not is_shown:
        return None
    result = class_result(lesson, came_in)
    if result is None:
        st.info("Nobody of the class has a result yet. It stands here as soon as the first experiment has ended.",
                icon=":material/hourglass_empty:")  # fmt: skip
    return result


def _show(lesson_id: str, code: str, is_shown: bool) -> None:
    st.session_state[SHOWN] = (lesson_id, code) if is_shown else None


def _result(lesson: Lesson, board: ClassBoard, result: Result) -> None:
    """What came out, how many guessed it, and the contestants where the picture of the guesses does not have them."""
    from core.experiments.pictures import result_figure

    with st.container(border=True, key="class_result"):
        st.markdown(f"**{escape_markdown(_came_out(lesson, result))}**")
        judged = outcomes(lesson, board, result)
        with st.container(horizontal=True):
            for outcome in LOOKS:
                if n := judged.count(outcome):
                    outcome_badge(outcome, n)
        if lesson.guess.kind in ("choice", "order"):
            st.plotly_chart(
                inked(result_figure(lesson, result).built()), key="class_result_chart", config={"displayModeBar": False},
                alt=_came_out(lesson, result),
            )  # fmt: skip
        st.caption(escape_markdown(_measured_on(lesson, result)))


def _came_out(lesson: Lesson, result: Result) -> str:
    sentence = truth_words(lesson, result)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _measured_on(lesson: Lesson, result: Result) -> str:
    """On how many images, of which split, with how many seeds, and where."""
    images = next((measured.images for measured in result.measured if measured.images), "")
    n = len(result.seeds)
    parts = [f"on {images}" if images else "", f"{n:,} seed{'s' if n > 1 else ''}" if n else ""]
    here = {"train": "by runs of this class", "shipped": "by networks trained beforehand", "count": "on this computer"}
    where = f"beforehand on another computer ({result.machine})" if result.machine else here[lesson.experiment.kind]
    return f"Measured {', '.join([*filter(None, parts), where])}."


def _left_out(board: ClassBoard) -> str:
    """Which guesses are not counted."""
    sentences = ["The first guess of each pupil counts."]
    if board.n_later:
        sentences.append(f"{board.n_later:,} later {'try is' if board.n_later == 1 else 'tries are'} left out.")
    if board.n_changed:
        sentences.append(f"{board.n_changed:,} of an earlier form of the lesson can not be read any more.")
    return " ".join(sentences)


def _reasons(lesson: Lesson, board: ClassBoard) -> None:
    """Each with the guess that it stands for, and with a name where one was given."""
    with_reason = [guess for guess in board.counted if guess.reason]
    if not with_reason:
        return
    st.markdown("**Their reasons**")
    with st.container(border=True, key="class_reasons"):  # whole: what scrolls in itself can not be reached by keyboard
        for guess in with_reason:
            who = f" ({escape_markdown(guess.name)})" if guess.name else ""
            st.markdown(f"**{escape_markdown(words(lesson, guess.value))}**{who}: {escape_markdown(guess.reason)}")
