"""What accuracy costs: runs by size, work, training time or answering time, and those that nobody beats on both counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.analysis.metrics import INTERVAL_MEANING
from core.compare.leaderboard import leaderboard
from core.compare.same_images import image_sets
from core.errors import InputError
from core.fields import SPLIT_WORDS, SplitName
from core.machine.faults import faults_as_input_errors
from core.runs.rows import Run
from pages.shared.chart_ink import inked
from pages.shared.choices import choose, pick
from pages.shared.glossary import explain
from pages.shared.legend_labels import legend_labels
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.measuring import (
    benchmark_lock,
    fragment_idle_only,
    measure_button,
    threads_text,
    training_started,
    why_not,
)
from pages.shared.run_look import run_look
from pages.shared.services import predictor, store
from pages.shared.tables import show_table

if TYPE_CHECKING:
    from core.charts.cost import Cost, Quality

KEY = "pareto"
COSTS: dict[Cost, str] = {
    "n_params": "Parameters", "multiply_adds": "Multiply-adds", "seconds": "Training seconds",
    "latency_ms": "Time to read one image",
}  # fmt: skip
QUALITIES: dict[Quality, str] = {"accuracy": "Accuracy", "error": "Error (log)"}
SPLITS: tuple[SplitName, ...] = ("val", "test")


@dataclass(frozen=True, slots=True)
class Latency:
    """ms: median to read one image · device: such as "cpu" · threads: of each operation"""

    ms: float
    device: str
    threads: int


def show(runs: Sequence[Run]) -> None:
    """The section "Cost" of the Compare page. runs: those chosen there"""
    fragment_idle_only(_show)(runs)


def _show(busy: bool, runs: Sequence[Run]) -> None:
    runs = _on_same_images(runs)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        x = pick("Cost", "cost", f"{KEY}_x", COSTS, "n_params")
        y = pick("Quality", "quality", f"{KEY}_y", QUALITIES, "accuracy")
        split = pick(
            "Judged on", "split", f"{KEY}_split", {split: SPLIT_WORDS[split].capitalize() for split in SPLITS}, "val",
            "Choose a network by validation images; the test images then report about it.",
        )  # fmt: skip
        explain("accuracy", "error", "validation", "parameters", "multiply-adds", "computing time", "interval")
    if x == "latency_ms":
        from core.engine.speed import TIMED_ANSWERS, WARM_UP_ANSWERS

        pressed = measure_button(
            "Measure these runs", busy, key=f"{KEY}_measure", type="primary",
            help=f"Each run reads one image at a time, {WARM_UP_ANSWERS} times to warm up and then {TIMED_ANSWERS} times; the "
            "median counts.",
        )  # fmt: skip
        why_not(busy)
        if pressed:
            _measure(runs)
        st.caption(_conditions(runs, TIMED_ANSWERS, WARM_UP_ANSWERS))
    _chart(runs, x, y, split)


def _on_same_images(runs: Sequence[Run]) -> Sequence[Run]:
    """Accuracies on different images do not compare: with several kinds of them, the visitor says which."""
    by_title = {images.title: images for images in image_sets(runs)}
    if len(by_title) < 2:
        return runs
    title = choose(
        "Trained on", "trained_on", f"{KEY}_images", by_title, next(iter(by_title)), required=True,
        help="Accuracies on different images do not compare, so one chart shows one kind of digits.",
    )  # fmt: skip
    return by_title[title].runs


def _chart(runs: Sequence[Run], x: Cost, y: Quality, split: SplitName) -> None:
    from core.analysis.pareto import pareto_front
    from core.charts.cost import cost_scatter, describe_cost
    from core.charts.theme import CONFIG

    table = _frame(runs, split)
    table["front"] = pareto_front(table[x].to_numpy(float), table["accuracy"].to_numpy(float))
    st.plotly_chart(
        inked(cost_scatter(table, x, y, split=split)), key=f"{KEY}_chart", alt=describe_cost(table, x, split=split),
        config=dict(CONFIG),
    )  # fmt: skip
    n = sorted({int(one) for one in table["n"].dropna()})
    st.caption(
        "The stepped line joins the runs that no other one beats on both counts. Bars: 95 % intervals"
        + (f", n = {' or '.join(f'{one:,}' for one in n)} images" if n else "")
        + ". Where bars overlap, the order may be luck. One run stands for one seed."
        + (" Training seconds of shipped and imported runs are those of another machine." if x == "seconds" and any(
            run.is_from_elsewhere for run in runs) else ""),
        help=INTERVAL_MEANING,
    )  # fmt: skip
    twin = st.expander("The same as a table", key=f"{KEY}_twin", on_change="rerun")
    if twin.open:
        names = {
            "run": "run", "name": "in the legend", "accuracy": f"{SPLIT_WORDS[split]} accuracy (%)",
            "n_params": "parameters", "multiply_adds": "multiply-adds", "seconds": "training (s)",
            "latency_ms": "one image (ms)", "front": "not beaten",
        }  # fmt: skip
        listed = table.assign(accuracy=100 * table["accuracy"])[list(names)].rename(columns=names)
        show_table(
            listed.round(3), "costs", place=twin, placeholder="", alt="Accuracy and costs of each run",
            column_config={
                "parameters": st.column_config.NumberColumn(format="localized"),
                "multiply-adds": st.column_config.NumberColumn(format="localized"),
                names["accuracy"]: st.column_config.NumberColumn(format="%.2f"),
            },
        )  # fmt: skip


def _frame(runs: Sequence[Run], split: SplitName) -> pd.DataFrame:
    """One row per run in their order, as ``core.charts.cost.cost_scatter`` wants it, with run and n (images)."""
    from core.analysis.metrics import accuracy_interval

    rows = leaderboard(store(), runs).set_index("run_id").loc[[run.run_id for run in runs]]
    accuracies = rows[f"{split}_acc"].astype(float)
    intervals = [
        accuracy_interval(share, int(n)) if pd.notna(share) and pd.notna(n) else (None, None)
        for share, n in zip(accuracies, rows[f"n_{split}"], strict=True)
    ]
    latencies = [_latencies().get(run.run_id) for run in runs]
    return pd.DataFrame(
        {
            "run": [run.label for run in runs], "name": legend_labels(runs), "look": [run_look(run) for run in runs],
            "accuracy": accuracies.to_numpy(), "n": rows[f"n_{split}"].to_numpy(),
            "low": [low for low, _ in intervals], "high": [high for _, high in intervals],
            "n_params": rows["n_params"].astype(float).to_numpy(),
            "multiply_adds": rows["multiply_adds"].astype(float).to_numpy(),
            "seconds": rows["seconds"].astype(float).to_numpy(),
            "latency_ms": [one.ms if one else float("nan") for one in latencies],
        }
    )  # fmt: skip


def _measure(runs: Sequence[Run]) -> None:
    """Let each run read one image again and again; what was measured before is measured anew."""
    import torch

    from core.engine.speed import answer_seconds

    with benchmark_lock() as mine:
        if not mine:
            return
        bar = st.progress(0.0)
        for done, run in enumerate(runs):
            if training_started():
                break
            bar.progress(done / len(runs), f"{escape_markdown(run.label)} is reading ({done + 1} of {len(runs)}) …")
            try:
                with faults_as_input_errors():
                    seconds = answer_seconds(predictor(run).logits)
            except InputError as error:
                st.warning(f"{escape_markdown(run.label)}: {sentence(error)}", icon=":material/error:")
                continue
            _latencies()[run.run_id] = Latency(1e3 * seconds, "cpu", torch.get_num_threads())
        bar.empty()


def _conditions(runs: Sequence[Run], times: int, warm_up: int) -> str:
    """Under which conditions the times were measured, in a sentence."""
    latencies = [_latencies()[run.run_id] for run in runs if run.run_id in _latencies()]
    if not latencies:
        return "Nothing was measured yet."
    how = " or ".join(dict.fromkeys(f"{one.device} with {threads_text(one.threads)}" for one in latencies))
    return f"Measured on this machine, {how}: one image at a time, the median of {times} after {warm_up} to warm up."


@st.cache_resource(show_spinner=False)
def _latencies() -> dict[str, Latency]:
    """What came out so far on this server, for all visitors: run_id -> how long one image takes."""
    return {}
