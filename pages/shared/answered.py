"""Runs and what each of them answered on the same images, ready to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.data import present_names
from core.errors import DataError, InputError
from core.fields import SPLIT_WORDS, SplitName
from core.runs.rows import Run
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.missing_images import explain_missing_images, shipped_runs_with_images
from pages.shared.reading import reading_bar
from pages.shared.services import evaluation

if TYPE_CHECKING:
    from core.engine.evaluate import Evaluation

COMPARE = "pages/lab/compare/page.py"
MAX_LINKED_RUNS = 3  # runs in a link to those that can be compared here


@dataclass(frozen=True, eq=False, slots=True)
class RunAnswers:
    """A run with its answers. name: no other run on the page has it · right (N,) bool: images read correctly"""

    run: Run
    name: str
    evaluation: Evaluation
    right: NDArray[np.bool_]

    @property
    def accuracy(self) -> float:
        """Fraction of the images."""
        return float(self.right.mean())


def unique_labels(runs: Sequence[Run]) -> list[str]:
    """The labels of runs; where two are equal, every one with the number of its run."""
    labels = [run.label for run in runs]
    return labels if len(set(labels)) == len(labels) else [f"{run.label}, run {run.number}" for run in runs]


def in_words(names: Sequence[str]) -> str:
    """Names of runs as a list inside a sentence, escaped: "A", "A and B", "A, B and C"."""
    *before, last = map(escape_markdown, names)
    return f"{', '.join(before)} and {last}" if before else last


def answers_on_same_images(
    runs: Sequence[Run],
    split: SplitName = "test",
    *,
    page: str = COMPARE,
    then: str = "compared image by image",
) -> list[RunAnswers]:
    """The runs that answered the same images, as many as there are; says of every other why it is left out.

    page: that shows them, linked to with runs whose images are here · then: what can be done with those, after "can be"
    """
    members, absent = [], []
    images = f"{SPLIT_WORDS[split]} images"
    bar = st.empty()
    for number, (run, name) in enumerate(zip(runs, unique_labels(runs), strict=True), start=1):
        try:
            with st.spinner(f"{escape_markdown(name)} reads the {images} for the first time …"):
                n_images = run.summary.get(f"n_{split}", 0)
                result = evaluation(run, split, reading_bar(bar, n_images, number, len(runs)))
        except DataError as error:
            if run.config["data"]["dataset"] in present_names():
                st.error(f"{escape_markdown(name)}: {sentence(error)}", icon=":material/error:")
            else:
                absent.append((run, name))
        except InputError as error:
            st.error(f"{escape_markdown(name)}: {sentence(error)}", icon=":material/error:")
        else:
            if result is None:
                st.info(f"{escape_markdown(name)} had no {images} to answer.", icon=":material/rule:")
            elif not np.isfinite(result.logits).all():
                st.error(f"The answers of {escape_markdown(name)} are not numbers: its training diverged.")
            else:
                members.append(RunAnswers(run, name, result, result.logits.argmax(axis=1) == result.labels))
    bar.empty()
    if absent:
        _without_images(absent, page, then)
    return _same_images(members, images, then)


def _same_images(members: Sequence[RunAnswers], images: str, then: str) -> list[RunAnswers]:
    """The largest family of runs on the same images, the first of equals; names the others."""
    families: list[list[RunAnswers]] = []
    for member in members:
        family = next((known for known in families if _are_alike(known[0], member)), None)
        if family is None:
            families.append([member])
        else:
            family.append(member)
    if not families:
        return []
    largest = max(families, key=len)
    for family in families:
        if family is not largest:
            verb = "reads" if len(family) == 1 else "read"
            st.info(
                f"{in_words([member.name for member in family])} {verb} other {images} ({_images_words(family[0])}) than "
                f"{in_words([member.name for member in largest])} ({_images_words(largest[0])}). Only runs on the same images "
                f"can be {then}.", icon=":material/call_split:",
            )  # fmt: skip
    return largest


def _are_alike(a: RunAnswers, b: RunAnswers) -> bool:
    """Whether they read the same images, as far as is known of their files."""
    files = [one.run.manifest.get("dataset_hashes") for one in (a, b)]
    same_name = a.run.config["data"]["dataset"] == b.run.config["data"]["dataset"]
    same_files = files[0] == files[1] or None in files
    return same_name and same_files and np.array_equal(a.evaluation.labels, b.evaluation.labels)


def _images_words(answers: RunAnswers) -> str:
    return f"{answers.run.dataset_title}, n = {len(answers.right):,}"


def _without_images(absent: Sequence[tuple[Run, str]], page: str, then: str) -> None:
    """Say of runs why they can not be looked at, how that changes, and which ones can be."""
    for dataset, shipped in dict.fromkeys((run.config["data"]["dataset"], run.shipped) for run, _ in absent):
        names = [
            name for run, name in absent if (run.config["data"]["dataset"], run.shipped) == (dataset, shipped)
        ]  # fmt: skip
        explain_missing_images(
            in_words(names), dataset, f"can be {then}", several=len(names) > 1, shipped=shipped
        )  # fmt: skip
    offered = shipped_runs_with_images()
    if len(offered) > 1:
        st.page_link(
            page, label=f"Compare {in_words([run.label for run in offered[:MAX_LINKED_RUNS]])}",
            icon=":material/compare_arrows:",
            query_params={**st.query_params.to_dict(), "run": ",".join(run.run_id for run in offered[:MAX_LINKED_RUNS])},
        )  # fmt: skip
