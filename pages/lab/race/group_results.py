"""What came of a comparison: verdicts in sentences, and every figure they rest on in a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis.statistics import expected_best
from core.analysis.verdicts import FEWEST_SEEDS, fewest_seeds
from core.compare.results import (
    WORDS,
    Comparison,
    Condition,
    Round,
    conditions,
    data_efficiency_table,
    judged_on,
    rounds,
    table,
    tuning_table,
)
from core.errors import InputError
from core.runs.groups import Group
from core.runs.rows import Run
from pages.shared.markdown import escape_markdown

SENTENCES = 6  # verdicts that stand on the page; more of them are folded, winners first
Colours = Mapping[int, int]  # of each condition the number that gives its colour and its marker
Seen = tuple[tuple[str, int], ...]  # run id, and the version of what has ended: while these stay, so does the verdict


def results(chosen: Group, runs: Sequence[Run], colours: Colours) -> None:
    """Everything below the curves. runs: of the group"""
    if not any(run.status == "finished" for run in runs):
        st.caption("The verdict appears here as soon as runs have finished.")
        return
    if chosen.kind == "hunger":
        _hunger(chosen, runs, colours)
    elif chosen.kind == "tuning":
        _tuning(chosen, runs, colours)
    else:
        (only,) = judged(chosen, runs)
        st.subheader("Verdict")
        _verdicts(only)
        if chosen.plan.get("rematch"):
            st.caption(
                "A network and its own copy are equally good. Should one of them win here, that is luck: it happens in up to "
                "5 of 100 such races, and so it does in races between others."
            )
        _conditions(only, key="race_table")


def judged(chosen: Group, runs: Sequence[Run]) -> list[Round]:
    """The rounds of a group, remembered for as long as no further run begins or ends."""
    seen = tuple((run.run_id, run.version if run.has_ended else -bool(run.version)) for run in runs)
    return _judged(chosen.group_id, seen, chosen, runs)


@st.cache_resource(show_spinner=False, max_entries=16)  # each holds all runs of a group
def _judged(group_id: str, seen: Seen, _chosen: Group, _runs: Sequence[Run]) -> list[Round]:
    return rounds(_chosen, _runs)


def _figure(form: str, help_: str) -> Any:
    return st.column_config.NumberColumn(format=form, help=help_)


# ---- verdicts


def _verdicts(one_round: Round) -> None:
    told = one_round.comparisons
    ordered = sorted(told, key=lambda one: (one.verdict.winner == "none", not one.confounders))
    for one in ordered[:SENTENCES]:
        icon = ":material/emoji_events:" if one.verdict.winner != "none" else ":material/balance:"
        icon = ":material/join:" if one.confounders else icon
        st.markdown(f"{icon} {escape_markdown(one.verdict.sentence)}")
    if len(told) > SENTENCES:
        st.caption(f"{len(told) - SENTENCES:,} more pairs stand in the table of all pairs.")
    if not told:
        st.caption("One network alone has nobody to be compared with.")
    known = [one for one in told if one.found is not None]
    if known:
        twin = st.expander("All pairs in figures", key=f"race_pairs_{told[0].a}", on_change="rerun")
        if twin.open:
            twin.dataframe(_pairs(known), hide_index=True, column_config=_PAIRS, alt="Every pair with its figures")
    _explain(one_round.members)


_PAIRS = {
    "difference (points)": _figure("%+.2f", "First minus second, in percentage points."),
    "from": _figure("%+.2f", "95 % interval over seeds."),
    "to": _figure("%+.2f", "95 % interval over seeds."),
    "p": _figure("%.4f", "How often luck alone brings up such a gap: a sign-flip test on paired seeds."),
    "p, all pairs": _figure("%.4f", "The same after Holm: many pairs are many chances for luck."),
    "wins (%)": _figure("%.0f", "How often a run of the first beats a run of the second."),
}


def _pairs(told: Sequence[Comparison]) -> pd.DataFrame:
    rows = []
    for one in told:
        found = one.found
        assert found is not None
        winner = {"a": one.a, "b": one.b, "none": "not distinguishable"}[one.verdict.winner]
        rows.append(
            {
                "first": one.a, "second": one.b, "seeds": len(found.seeds), "difference (points)": 100 * found.difference,
                "from": None if found.low is None else 100 * found.low,
                "to": None if found.high is None else 100 * found.high,
                "p": found.p, "p, all pairs": one.p, "wins (%)": 100 * found.win_rate,
                "better": "confounded" if one.confounders else winner,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _explain(members: Sequence[Condition]) -> None:
    """Why nothing can be told yet, and what the figures are about."""
    on = judged_on(members)
    fewest, needed = min(len(one.values(on)) for one in members), fewest_seeds(math.comb(len(members), 2))
    if fewest < needed:
        seeds = "1 seed" if fewest == 1 else f"{fewest} seeds"
        st.caption(
            f"A contestant has finished with only {seeds}. With fewer than {needed} all of them agree too easily by luck, "
            "so nothing can be told about everybody yet, however large the gaps look."
        )
    n = next((run.summary[f"n_{on}"] for one in members for run in one.runs if f"n_{on}" in run.summary), 0)
    if not n:
        return
    st.caption(
        f"Judged by {WORDS[on]} on {n:,} images"
        + (" that decided nothing: which weights a run keeps was settled without them." if on == "test" else
           ", which also chose the weights.")
        + " Behind 95 % stands how far the true value may lie from what was found: ranges made this way hold it 95 times "
        "in 100."
    )  # fmt: skip


# ---- one row per condition


_CONDITIONS = {
    "validation (%)": _figure("%.2f", "Mean accuracy over seeds, at each run's best epoch."),
    "± validation": _figure("%.2f", "Standard deviation over seeds, in percentage points."),
    "test (%)": _figure("%.2f", "Mean accuracy over seeds on images that decided nothing."),
    "± test": _figure("%.2f", "Standard deviation over seeds, in percentage points."),
    "test from": _figure("%.2f", "95 % t-interval of the mean over seeds."),
    "test to": _figure("%.2f", "95 % t-interval of the mean over seeds."),
    "n test": _figure("localized", "Test images."),
    "parameters": _figure("localized", "Weights of the network."),
    "multiply-adds": _figure("localized", "For one image, forward."),
    "seconds": _figure("%.1f", "Computing time of a run, mean."),
    "images/s": _figure("localized", "While training, mean."),
}


def _conditions(one_round: Round, key: str) -> None:
    found = table(one_round.members)
    finished = [f"{done} of {runs}" for done, runs in zip(found["finished"], found["runs"], strict=True)]
    columns: dict[str, Any] = {"contestant": found["label"], "finished": finished}
    for on, word in (("val", "validation"), ("test", "test")):
        columns |= {f"{word} (%)": 100 * _numbers(found[f"{on}_mean"]), f"± {word}": 100 * _numbers(found[f"{on}_sd"])}
    columns |= {
        "test from": 100 * _numbers(found["test_low"]), "test to": 100 * _numbers(found["test_high"]),
        "n test": found["n_test"], "parameters": found["n_params"], "multiply-adds": found["multiply_adds"],
        "seconds": found["seconds"], "images/s": _numbers(found["images_per_s"]).round(),
    }  # fmt: skip
    st.dataframe(
        pd.DataFrame(columns), key=key, hide_index=True, placeholder="", column_config=_CONDITIONS,
        alt="Each contestant with accuracies over seeds and its costs",
    )  # fmt: skip


def _numbers(column: pd.Series[float]) -> pd.Series[float]:
    return column.astype("float64")


# ---- data hunger


def _hunger(chosen: Group, runs: Sequence[Run], colours: Colours) -> None:
    from core.charts.hunger import describe_hunger, hunger
    from core.charts.theme import CONFIG

    members = conditions(chosen, runs)
    on = judged_on(members)
    found = _named(data_efficiency_table(members), colours)
    st.subheader("Accuracy by number of training images")
    if found.empty:
        return
    error = st.toggle(
        "As error, on a log axis", key="race_hunger_error", persist_state="session",
        help="Close to 100 % a small step is a large one: half the mistakes.",
    )  # fmt: skip
    st.plotly_chart(
        hunger(found, "error" if error else "accuracy", split=on), key="race_hunger", config=dict(CONFIG),
        alt=describe_hunger(found, split=on),
    )  # fmt: skip
    grouped = found.groupby(["label", "n_train"], sort=False)["accuracy"]
    told = grouped.agg(mean="mean", sd="std", n="size").reset_index()
    told[["mean", "sd"]] *= 100
    names = {"label": "contestant", "n_train": "training images", "sd": "± over seeds", "n": "seeds"}
    names["mean"] = f"{WORDS[on]} (%)"
    st.dataframe(
        told.rename(columns=names), hide_index=True, placeholder="", key="race_hunger_table",
        column_config={f"{WORDS[on]} (%)": _figure("%.2f", "Mean over seeds."), "± over seeds": _figure("%.2f", "Points."),
                       "training images": _figure("localized", "Really learned from.")},
        alt="Accuracy of each contestant at each number of training images",
    )  # fmt: skip
    st.subheader("Verdict")
    size: int = st.segmented_control(
        "With so many training images", chosen.plan["sizes"], format_func=said_size, default=chosen.plan["sizes"][-1],
        required=True, wrap=True, key=f"race_at_{chosen.group_id}", persist_state="session",
    )  # fmt: skip
    _verdicts(judged(chosen, runs)[chosen.plan["sizes"].index(size)])
    st.caption("Each number of images is a question of its own: Holm counts the pairs at one of them.")


def said_size(size: int) -> str:
    """A number of training images as a data hunger asks for it."""
    return f"{size:,}" if size else "all"


# ---- tuning


def _tuning(chosen: Group, runs: Sequence[Run], colours: Colours) -> None:
    from core.charts.theme import CONFIG
    from core.charts.tuning import best_so_far, describe_best_so_far, describe_trials, trial_scatter

    trials = _named(tuning_table(conditions(chosen, runs)), colours)
    st.subheader("What tuning is worth")
    lines = [
        pd.DataFrame({"name": rows["name"].iloc[0], "colour": rows["colour"].iloc[0], "number": number,
                      "trials": np.arange(1, len(rows) + 1), "accuracy": expected_best(rows["val_acc"].tolist())})
        for number, rows in trials.groupby("number", sort=False)
    ]  # fmt: skip
    expected = pd.concat(lines, ignore_index=True)
    points = trials.assign(accuracy=trials["val_acc"].where(trials["val_acc"] > 0))
    left, right = st.columns(2)
    left.plotly_chart(best_so_far(expected), key="race_best", alt=describe_best_so_far(expected), config=dict(CONFIG))
    right.plotly_chart(trial_scatter(points), key="race_trials_chart", alt=describe_trials(points), config=dict(CONFIG))
    st.caption(
        "Left: what to expect of the best of so many trials, whichever came first. A network that only wins after many of "
        "them has bought its lead with tuning. Right: every trial."
    )
    st.subheader("Chosen by validation images")
    best_ones = trials[trials["chosen"]]
    shown = pd.DataFrame(
        {
            "contestant": best_ones["label"], "learning rate": best_ones["lr"], "validation (%)": 100 * best_ones["val_acc"],
            "test (%)": 100 * _numbers(best_ones["test_acc"]), "n test": best_ones["n_test"],
            "trials": [int((trials["number"] == number).sum()) for number in best_ones["number"]],
        }
    )  # fmt: skip
    st.dataframe(
        shown, hide_index=True, key="race_chosen", placeholder="", alt="The chosen learning rate of each contestant",
        column_config={"learning rate": _figure("%.5g", "The best of its trials on validation images."),
                       "validation (%)": _figure("%.2f", "The best of several: a little too good to be true."),
                       "test (%)": _figure("%.2f", "Only of the chosen trial.")},
    )  # fmt: skip
    st.caption(
        "One seed each: this chooses learning rates and names no winner. To compare the networks, run a race of at least "
        f"{FEWEST_SEEDS} seeds."
    )
    known = {run.run_id: run for run in runs}
    with st.container(horizontal=True):
        for label, run_id in zip(best_ones["label"], best_ones["run_id"], strict=True):
            try:
                config = known[run_id].run_config()
            except InputError:  # written for settings that no longer exist
                continue
            st.page_link(
                "pages/lab/train/page.py", label=f"Use {escape_markdown(label)}'s on the Train page",
                icon=":material/arrow_forward:",
                query_params={"architecture": config.architecture, "dataset": config.data.dataset, **config.link()},
            )  # fmt: skip


def _named(rows: pd.DataFrame, colours: Colours) -> pd.DataFrame:
    """The same rows as the charts take them: with name and colour, and the number that gives the marker."""
    from core.charts.theme import run_colour

    if rows.empty:
        return rows
    numbers = rows["number"].map(dict(colours))
    return rows.assign(name=rows["label"], colour=numbers.map(run_colour), number=numbers)
