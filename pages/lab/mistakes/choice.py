"""Whose answers to look at, on which images, and what stands in the way of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core.data import present_names
from core.errors import DataError, InputError
from core.fields import SPLIT_WORDS, SplitName
from core.runs.rows import Run
from pages.lab.mistakes.selection import ANY, select_cell
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.missing_images import explain_missing_images, shipped_runs_with_images
from pages.shared.reading import reading_bar
from pages.shared.run_picker import pick_run
from pages.shared.services import evaluation

if TYPE_CHECKING:
    from core.engine.evaluate import Evaluation

RUN = "mistakes_run"
SPLITS: tuple[SplitName, ...] = ("test", "val")


def pick_run_and_split() -> tuple[Run, SplitName] | None:
    """Both choices in one row; None (and the way out on screen) when no run has a result."""
    run_place, split_place = st.columns([2, 1])
    with run_place:
        run = pick_run(RUN)
    if run is None:
        return None
    chose = "usually choose the settings" if run.config["training"]["monitor"] == "last" else "chose the best epoch"
    split: SplitName = split_place.segmented_control(
        "Judged on", SPLITS, default="test", required=True,
        format_func=lambda split: f"{SPLIT_WORDS[split].capitalize()} images", key="mistakes_on",
        persist_state="session", on_change=select_cell, args=(ANY, ANY),
        help=f"The test images were never used while training. The validation images {chose}, so they flatter.",
    )  # fmt: skip
    return run, split


def read_answers(run: Run, split: SplitName) -> Evaluation | None:
    """What the run answered; None when there is nothing to look at, and then the reason is on screen."""
    bar = st.empty()
    try:
        with st.spinner(f"{escape_markdown(run.label)} reads these images for the first time …"):
            answers = evaluation(run, split, reading_bar(bar, run.summary.get(f"n_{split}", 0)))
    except DataError as error:
        _offer_others(run, error)
        return None
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
        explain_missing_images(escape_markdown(run.label), dataset, "its mistakes can be seen")
    if offered := shipped_runs_with_images():
        st.write("The images of these are here:")
        with st.container(horizontal=True):
            for other in offered:
                st.button(
                    escape_markdown(other.label), key=f"mistakes_offer_{other.run_id}", icon=":material/rule:",
                    on_click=st.session_state.update, args=({RUN: other.run_id},),
                )  # fmt: skip
