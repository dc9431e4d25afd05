"""What came of the runs on the charts, when all of them have ended: who read more, why its figures differ, and what next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.compare.results import compare_leaders
from core.data import DATASETS
from core.errors import ConfigError, InputError
from core.runs.rows import Run
from pages.shared.histories import history
from pages.shared.legend_labels import legend_labels
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.run_picker import has_result, percent
from pages.shared.services import evaluation, get_ready, store

if TYPE_CHECKING:
    from core.engine.evaluate import Evaluation

MIN_GAP = 0.01  # between validation and test accuracy (fractions); a smaller one asks for no explanation
MOST_EPOCHS = 0.5  # share of them in which a line has to lie below for it to be seen as the lower one
MAX_DRAWN_RUNS = 5  # as many as the Draw page takes


def outcome(runs: Sequence[Run]) -> None:
    """The card. runs: all of them have ended; without a result of any there is nothing to tell"""
    judged = sorted(filter(has_result, runs), key=lambda run: -run.summary["test_acc"])
    if not judged:
        return
    get_ready()  # answers are read with torch
    with st.container(border=True, key="outcome"):
        try:
            _answer(judged)
            for reason in filter(None, (why_test_differs(judged[0]), why_dotted_lies_below(judged))):
                st.markdown(reason)
        except InputError as error:  # a file is damaged, or the answers are not about the same images
            st.info(sentence(error), icon=":material/call_split:")
        _next_steps(judged)


def _answer(judged: Sequence[Run]) -> None:
    """In bold who read more of the same images, below it how sure that is. Raises InputError."""
    best = judged[0]
    answers = {run.run_id: answered for run in judged if (answered := _stored(run)) is not None}
    if len(judged) > 1 and len(answers) == len(judged):
        names = {run.run_id: name for run, name in zip(judged, _names(judged), strict=True)}
        verdict = compare_leaders({names[run_id]: answered for run_id, answered in answers.items()}).verdict
        st.markdown(f"**{escape_markdown(verdict.finding)}**")
        st.caption(escape_markdown(f"{verdict.figures} {verdict.caveat}".strip()))
        return
    right, n = round(best.summary["test_acc"] * best.summary["n_test"]), best.summary["n_test"]
    accuracy = percent(best.summary["test_acc"])
    st.markdown(
        f"**{escape_markdown(best.label)} read {right:,} of {n:,} test images that it had never seen: {accuracy}.**"
    )


def _names(judged: Sequence[Run]) -> list[str]:
    """By what differs, as on the charts of Compare: "CNN" and "MLP"; with the numbers of their runs where two are alike."""
    names = legend_labels(judged)
    if len(set(names)) == len(judged):
        return names
    return [f"{name}, run {run.number}" for name, run in zip(names, judged, strict=True)]


def _stored(run: Run) -> Evaluation | None:
    """The kept answers on the test images; those of a shipped run, which may take a minute, are not made for this card."""
    return store().evaluation(run.run_id, "test") if run.shipped else evaluation(run, "test")


def why_test_differs(run: Run) -> str:
    """Why validation and test accuracy lie apart, as Markdown; "" where they do not."""
    val_acc, test_acc = run.summary.get("val_acc"), run.summary["test_acc"]
    if val_acc is None or abs(val_acc - test_acc) < MIN_GAP:
        return ""
    reasons = [DATASETS[run.config["data"]["dataset"]].why_test_differs]
    if val_acc > test_acc and run.config["training"]["monitor"] != "last":
        reasons.append("The validation images also chose the best epoch, which flatters their figure a little.")
    return (
        f"**Why {percent(val_acc)} on validation images and {percent(test_acc)} on test images?** {' '.join(reasons)}"
    )


def why_dotted_lies_below(runs: Sequence[Run]) -> str:
    """Why training accuracy can be the lower one, as Markdown; "" where it mostly is not."""
    from core.data.augment import varies

    below = [run for run in runs if _lies_below(run)]
    if not below:
        return ""
    try:
        is_varied = any(varies(run.run_config().data) for run in below)
    except ConfigError:  # made for settings that no longer exist
        is_varied = False
    has_dropout = any(run.config["model"].get("dropout") for run in below)
    reasons = []
    if is_varied:
        reasons.append("the images to learn from are moved, turned or stretched a little each time")
    if has_dropout:
        reasons.append("a random part of the network is switched off while it learns (dropout)")
    if any(run.config["data"].get("label_noise") for run in below):
        reasons.append("some of the training labels are wrong")
    question = "**Why does the dotted accuracy lie below the solid one?**"
    if not reasons:
        return (
            f"{question} It is measured while the network learns and is still getting better, the solid one at the end of each "
            "epoch."
        )
    return f"{question} Learning is made harder on purpose: {', and '.join(reasons)}. The solid line has none of it."


def _lies_below(run: Run) -> bool:
    """Whether training accuracy was below validation accuracy after most of the epochs."""
    _, points = history(run.run_id, run.version)
    by_epoch = points[points["whole_epoch"]].pivot_table("accuracy", "epoch", "split")
    if not {"train", "val"} <= set(by_epoch):
        return False  # nothing was held out, or no epoch has ended
    both = by_epoch.dropna()
    return bool(len(both) and (both["train"] < both["val"]).mean() > MOST_EPOCHS)


def _next_steps(judged: Sequence[Run]) -> None:
    several = len(judged) > 1
    ids = ",".join(run.run_id for run in judged[:MAX_DRAWN_RUNS])
    readers = "both" if len(judged) == 2 else "all of them" if several else "it"
    with st.container(horizontal=True):
        st.page_link(
            "pages/lab/draw/page.py", label=f"Write your own digit for {readers}", icon=":material/draw:",
            query_params={"run": ids},
        )  # fmt: skip
        st.page_link(
            "pages/lab/mistakes/page.py", label="Look at the mistakes", icon=":material/rule:",
            query_params={"run": judged[0].run_id},
        )  # fmt: skip
        st.page_link(
            "pages/lab/race/page.py", icon=":material/flag:", query_params={"like": ids},
            label="Race them with several seeds" if several else "Race it against another network",
        )  # fmt: skip
