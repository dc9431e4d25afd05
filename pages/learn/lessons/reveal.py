"""What came out beside what was guessed: the picture first, then why, and what it does not show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from core.errors import InputError
from core.experiments.lessons import Lesson, filled
from core.experiments.plain_words import close_sentence, luck_basis, luck_lines
from core.experiments.results import Result
from core.experiments.reveals import Reveal, curve_rows, reveal
from core.runs import guesses
from core.runs.guesses import Guess
from core.runs.rows import Run
from pages.learn.lessons.choice import open_lesson
from pages.learn.lessons.experiment import start_again
from pages.learn.lessons.faults import show_fault
from pages.learn.lessons.guess_form import guess_again
from pages.learn.lessons.result import measure_anew, result_of, runs_of_labels
from pages.learn.lessons.sheet import lab_sheet
from pages.learn.lessons.visitor_progress import newest_guesses, next_lesson
from pages.learn.lessons.words_used import explain_words
from pages.shared.chart_ink import inked
from pages.shared.linked_text import page_file, show_linked
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.outcomes import outcome_badge
from pages.shared.pointer import PARAMETER, tip
from pages.shared.run_look import run_look
from pages.shared.services import store
from pages.shared.visitor import owner

SECTIONS = ("Result", "Why", "What this does not show", "Carry on")


def show_reveal(lesson: Lesson, guess: Guess) -> None:
    """Draw it, and note that the visitor has seen it."""
    try:
        with st.spinner("Reading what came out …"):
            result = result_of(lesson, guess)
            shown = reveal(lesson, guess.value, result)
            runs = runs_of_labels(lesson, guess)
    except InputError as error:
        st.error(sentence(error), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", key="lesson_try_again")
        return
    if guess.result != as_kept(result):
        guesses.mark_revealed(store(), owner(), guess.guess_id, as_kept(result))
    _picture(lesson, guess, result, shown, runs)
    st.subheader("Why", anchor=False)
    _section(lesson, "Why", shown)
    _links(lesson, {label: run.run_id for label, run in runs.items()})
    st.subheader("What this does not show", anchor=False)
    _section(lesson, "What this does not show", shown)
    with st.container(border=True):
        st.markdown("**To carry on**")
        _section(lesson, "Carry on", shown)
    lab_sheet(lesson, guess, result)
    explain_words(shown.sentence, *luck_lines(lesson, result), *(lesson.sections[heading] for heading in SECTIONS))
    _ways_on(lesson, guess, result)


def as_kept(result: Result) -> dict[str, Any]:
    """A result as the store gives it back."""
    values: dict[str, Any] = json.loads(json.dumps(result.as_values()))
    return values


def _picture(lesson: Lesson, guess: Guess, result: Result, shown: Reveal, runs: Mapping[str, Run]) -> None:
    from core.experiments.pictures import reveal_alt, reveal_figure

    looks = {label: run_look(run) for label, run in runs.items()}
    with st.container(border=True, key="reveal"):
        outcome_badge(shown.outcome)
        st.plotly_chart(
            inked(reveal_figure(lesson, guess.value, result, looks).built()), key="reveal_chart",
            config={"displayModeBar": False}, alt=reveal_alt(lesson, guess.value, result),
        )  # fmt: skip
        st.markdown(f"**{escape_markdown(shown.sentence)}**")
        if rows := curve_rows(lesson, guess.value, result):
            lines = [("", "Your guess", "Came out", "Gap"), ("---",) * 4, *rows]
            st.markdown("\n".join(f"| {' | '.join(cells)} |" for cells in lines))
        if close := close_sentence(lesson):
            st.caption(close)
        _section(lesson, "Result", shown)
        if luck := luck_lines(lesson, result):
            st.markdown("\n".join(["**Could it be luck?**\n", *(f"- {escape_markdown(line)}" for line in luck)]))
            st.caption(luck_basis(lesson, result))
        if result.machine:
            st.info(
                "The images of MNIST are not on this computer, so this was trained beforehand: "
                f"{escape_markdown(result.machine)}.",
                icon=":material/inventory_2:",
            )  # fmt: skip
            st.page_link("pages/learn/data/page.py", label="Get MNIST on the Data page", icon=":material/download:",
                         query_params={"dataset": "mnist"})  # fmt: skip


def _section(lesson: Lesson, heading: str, shown: Reveal) -> None:
    show_linked(filled(lesson.sections[heading], shown.placeholders))


def _links(lesson: Lesson, run_ids: Mapping[str, str]) -> None:
    """To exactly the right place, where a note points at the control. Those that need a run of this computer are left out
    where there is none."""
    with st.container(horizontal=True):
        for number, look in enumerate(lesson.looks):
            query = look_query(lesson, number, run_ids)
            if query is not None:
                st.page_link(
                    page_file(look.page), label=look.label, icon=":material/arrow_outward:",
                    query_params={**query, PARAMETER: tip(lesson.id, number)},
                )  # fmt: skip


def look_query(lesson: Lesson, number: int, run_ids: Mapping[str, str]) -> dict[str, str] | None:
    """The query of a link with the runs in it; None where it needs runs and there are none.

    run_ids: of each contestant, by its label
    """
    values = {f"run:{label}": run_id for label, run_id in run_ids.items()} | {"runs": ",".join(run_ids.values())}
    query = {name: filled(text, values) for name, text in lesson.looks[number].query.items()}
    return None if any("{" in text or not text for text in query.values()) else query


def _ways_on(lesson: Lesson, guess: Guess, result: Result) -> None:
    following = next_lesson(newest_guesses(), after=lesson)
    with st.container(horizontal=True):
        if following and following.id != lesson.id:
            st.button(f"Next: {following.title}", type="primary", icon=":material/arrow_forward:", key="lesson_next",
                      on_click=open_lesson, args=(following.id,))  # fmt: skip
        st.button("Guess again", icon=":material/replay:", key="lesson_again", on_click=_again, args=(lesson,),
                  help="A new try. The first guess is kept.")  # fmt: skip
        if result.seeds and not result.machine:
            last = max(result.seeds)
            seeds = tuple(range(last + 1, last + 1 + len(lesson.experiment.seeds)))
            st.button(
                "Train anew with other seeds", icon=":material/casino:", key="lesson_other_seeds", on_click=start_again,
                args=(lesson, guess.guess_id, seeds),
                help="Whether it comes out again with other starting weights and another order of the images.",
            )  # fmt: skip
    show_fault()


def _again(lesson: Lesson) -> None:
    measure_anew(lesson)
    guess_again(lesson)
