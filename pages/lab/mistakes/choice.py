"""Whose answers to look at, of one run or of several, on which images, and what stands in the way of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.data import present_names
from core.errors import DataError, InputError
from core.fields import SPLIT_WORDS, SplitName
from core.runs.answers import come_with
from core.runs.rows import Run
from core.runs.schema import StorageError
from core.runs.shipped import shipped_root
from pages.lab.mistakes.selection import ANY, select_cell
from pages.shared.answered import RunAnswers, answers_on_same_images
from pages.shared.choices import pick
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.missing_images import explain_missing_images, shipped_runs_with_images
from pages.shared.reading import reading_bar
from pages.shared.run_picker import compared_first, has_result, pick_run, pick_runs, with_images
from pages.shared.services import evaluation, store

if TYPE_CHECKING:
    from core.engine.evaluate import Evaluation

PAGE = "pages/lab/mistakes/page.py"
RUN, RUNS = "mistakes_run", "mistakes_runs"
SPLITS: tuple[SplitName, ...] = ("test", "val")
MAX_RUNS = 5  # runs side by side
FIRST_RUNS = 3  # of them are chosen at first: each may have to read its images before anything shows


def pick_run_and_split() -> tuple[Run, SplitName] | None:
    """Both choices in one row; None (and the way out on screen) when no run has a result."""
    run_place, split_place = st.columns([2, 1])
    with run_place:
        run = pick_run(RUN)
    if run is None:
        return None
    with split_place:
        return run, _pick_split([run])


def pick_runs_and_split() -> tuple[list[Run], SplitName] | None:
    """The same for several runs; None (and the way out on screen) when none is chosen."""
    run_place, split_place = st.columns([2, 1])
    with run_place:
        runs = pick_runs(RUNS, MAX_RUNS, start=_first_runs())
    if not runs:
        return None
    with split_place:
        return runs, _pick_split(runs)


def answers_side_by_side(runs: Sequence[Run], split: SplitName) -> list[RunAnswers]:
    """The runs that answered the same images; of every other one it is said why it is left out, and what else can be seen."""
    members = answers_on_same_images(runs, split, page=PAGE, then="looked at side by side")
    for sentence_about in dict.fromkeys(member.run.older_split for member in members if member.run.older_split):
        st.caption(sentence_about)
    return members


def _first_runs() -> list[str]:
    """The run that was looked at alone, and others on the same images, which are here; of shipped ones first those whose
    answers came with them: others read for up to half a minute before anything shows."""
    runs = with_images(store().runs())
    runs.sort(key=lambda run: run.shipped and not come_with(shipped_root(), run.name))
    picked: str = st.session_state.get(RUN, "")
    return compared_first(
        runs, FIRST_RUNS, picked if any(run.run_id == picked and has_result(run) for run in runs) else ""
    )


def _pick_split(runs: Sequence[Run]) -> SplitName:
    """Which images are judged on; runs: at least one"""
    last_epochs = all(run.config["training"]["monitor"] == "last" for run in runs)
    chose = "usually choose the settings" if last_epochs else "chose the best epoch"
    titles = {split: f"{SPLIT_WORDS[split].capitalize()} images" for split in SPLITS}
    return pick(
        "Judged on", "split", "mistakes_on", titles, "test",
        f"The test images were never used while training. The validation images {chose}, so they flatter.",
        on_change=select_cell, args=(ANY, ANY),
    )  # fmt: skip


def read_answers(run: Run, split: SplitName) -> Evaluation | None:
    """What the run answered; None when there is nothing to look at, and then the reason is on screen."""
    bar = st.empty()
    try:
        with st.spinner(f"{escape_markdown(run.label)} reads these images for the first time …"):
            answers = evaluation(run, split, reading_bar(bar, run.summary.get(f"n_{split}", 0)))
    except DataError as error:
        _offer_others(run, error)
        return None
    except StorageError:  # busy is not gone
        raise
    except InputError as error:
        st.error(sentence(error), icon=":material/error:")
        return None
    finally:
        bar.empty()
    if answers is None:
        st.info("This run held no images out for validation.", icon=":material/rule:")
        return None
    if not np.isfinite(answers.logits).all():
        st.error("This network’s answers are not numbers: its training diverged. There is nothing to look at.")
        return None
    return answers


def _offer_others(run: Run, error: DataError) -> None:
    """Say why a shipped run can not be looked at, how that changes, and which ones can be."""
    dataset = run.config["data"]["dataset"]
    if dataset in present_names():
        st.error(sentence(error), icon=":material/error:")
    else:
        explain_missing_images(escape_markdown(run.label), dataset, "its mistakes can be seen", shipped=run.shipped)
    if offered := shipped_runs_with_images():
        st.write("The images of these are here:")
        with st.container(horizontal=True):
            for other in offered:
                st.button(
                    escape_markdown(other.label), key=f"mistakes_offer_{other.run_id}", icon=":material/rule:",
                    on_click=st.session_state.update, args=({RUN: other.run_id},),
                )  # fmt: skip
