"""When each validation digit was learned, how often it was forgotten again, and which digits that is hard for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from core.analysis.forgetting import hard_digits, when_learned
from core.charts.forgetting import LearnedRun, describe_forgetting, describe_learned, forgetting_bars, learned_curves
from core.charts.theme import CONFIG
from core.data.dataset import Labels
from core.errors import InputError
from core.runs import reading
from core.runs.rows import Run
from pages.shared.answered import in_words, unique_labels
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.choices import choose, pick
from pages.shared.gallery import captioned, pager, pictures
from pages.shared.glossary import explain, explained
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.run_look import run_look
from pages.shared.services import evaluation, get_ready, store
from pages.shared.tables import show_table

KINDS = {"late": "Learned last", "forgotten": "Forgotten most", "never": "Never learned"}
MEASURES = {
    "first": "Mean epoch of the first right answer",
    "forgotten": "Times forgotten per image",
    "never": "Never learned (%)",
}
PERCENT = st.column_config.NumberColumn(format="%.2f %%")
NUMBER = st.column_config.NumberColumn(format="%.2f")
DIGITS = {"late": "read late", "forgotten": "forgotten", "never": "never read"}


@dataclass(frozen=True, eq=False, slots=True)
class LearningRecord:
    """A run whose validation answers are known after each epoch.

    name: no other run on the page has it · epochs (E,) ascending, E > 0 · images: of ``when_learned`` · labels (N,)
    """

    run: Run
    name: str
    epochs: NDArray[np.float64]
    images: pd.DataFrame
    labels: Labels


def show(runs: Sequence[Run]) -> None:
    """The section "When learned" of the Compare page. runs: those chosen there, each with a result"""
    records = _records(runs)
    if not records:
        if not runs:
            st.info("Choose at least one run to see when it learned which digit.")
        return
    st.caption(
        "After every epoch each run read all of its validation images, on which it does not learn. A digit counts as learned "
        "at the first epoch after which it is read correctly, and as forgotten each time a right answer becomes a wrong one."
    )
    explain("learned", "forgotten", "epoch", "validation")
    _charts(records)
    st.subheader("Hard digits")
    fragment(_hard_digits)(records)
    left, beside = st.columns(2, gap="medium")
    with left:
        st.subheader("One network")
        fragment(_one_network)(records)
    with beside:
        st.subheader("Early for A, late for B")
        fragment(_early_for_one)(records)


@st.cache_resource(show_spinner=False, max_entries=32)
def _learned(run_id: str, version: int) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Epochs and images of one run, for all visitors; nobody changes either. version: what only keys the cache"""
    epochs, right = reading.validation_hits(store(), run_id)
    return epochs, when_learned(epochs, right)


def _records(runs: Sequence[Run]) -> list[LearningRecord]:
    """The runs of which there is something to tell; names the others."""
    records, left_out_names = [], []
    for run, name in zip(runs, unique_labels(runs), strict=True):
        epochs, images = _learned(run.run_id, run.version)
        if not len(epochs):
            left_out_names.append(name)
            continue
        try:
            result = evaluation(run, "val")
        except InputError as error:
            st.error(f"{escape_markdown(name)}: {sentence(error)}", icon=":material/error:")
            continue
        if result is None or len(result.labels) != len(images):
            left_out_names.append(name)
        else:
            records.append(LearningRecord(run, name, epochs, images, result.labels))
    if left_out_names:
        left_out = "is left out" if len(left_out_names) == 1 else "are left out"
        st.info(
            f"{in_words(left_out_names)} {left_out}: nobody noted after each epoch which validation images they read. That is "
            "noted for runs that are trained here and hold images out, not for shipped ones or those of earlier versions.",
            icon=":material/history_toggle_off:",
        )  # fmt: skip
        if not records:
            st.page_link("pages/lab/train/page.py", label="Train a network", icon=":material/arrow_forward:")
    return records


def _charts(records: Sequence[LearningRecord]) -> None:
    series = [LearnedRun(record.name, run_look(record.run), record.epochs, record.images) for record in records]
    with st.grid(2, min_column_width=320):
        st.plotly_chart(
            inked(learned_curves(series)), key="when_learned_curves", alt=describe_learned(series), config=dict(CONFIG)
        )
        st.plotly_chart(
            inked(forgetting_bars(series)),
            key="when_learned_bars",
            alt=describe_forgetting(series),
            config=dict(CONFIG),
        )
    twin = st.expander("The same as a table", key="when_learned_twin", on_change="rerun")
    if twin.open:
        table = _summary(records)
        show_table(
            table, "learned", place=twin, height="content", placeholder="–",
            column_config=explained(table, {"Right after the last epoch": PERCENT}),
            alt="What each run learned, forgot and never learned, in numbers of validation images",
        )  # fmt: skip


def _summary(records: Sequence[LearningRecord]) -> pd.DataFrame:
    """Counts of validation images, a row per run."""
    return pd.DataFrame(
        {
            "Run": one.name, "Epochs": one.epochs[-1], "Images": len(one.images),
            "Learned by the first epoch": int((one.images["first"] <= one.epochs[0]).sum()),
            "Learned in all": int(one.images["first"].notna().sum()),
            "Forgotten at least once": int((one.images["forgotten"] > 0).sum()),
            "Never learned": int(one.images["first"].isna().sum()),
            "Right after the last epoch": 100 * one.images["last"].mean(),
        }
        for one in records
    )  # fmt: skip


def _hard_digits(records: Sequence[LearningRecord]) -> None:
    """Digit by digit, a column per run, and in words which digit is the hardest for which."""
    measure = pick("What makes a digit hard", "measure", "when_learned_measure", MEASURES, "first")
    table = hard_table(records, measure)
    hardest = {name: table[name].max() for name in table}
    sentences = [
        f"{in_words([str(digit) for digit in table.index[table[name] == most]])} for {escape_markdown(name)}"
        for name, most in hardest.items()
        if most > table[name].min()
    ]
    st.write(
        f"Hardest digit by this measure: {'; '.join(sentences)}."
        if sentences
        else "By this measure, no digit is harder."
    )
    show_table(
        table, "hard_digits", index=True, height="content", placeholder="–",
        column_config={one.name: NUMBER for one in records}, alt=f"{MEASURES[measure]}, for each digit and run",
    )  # fmt: skip
    counts = {len(one.labels) for one in records}
    st.caption(
        f"n = {in_words([f'{n:,}' for n in sorted(counts)])} validation images. Images that were never read correctly have no "
        "first epoch and are not in its mean."
    )


def hard_table(records: Sequence[LearningRecord], measure: str) -> pd.DataFrame:
    """One row per digit, one column per run, of a measure of ``hard_digits``; shares in percent."""
    factor = 100 if measure == "never" else 1
    columns = {one.name: factor * hard_digits(one.images, one.labels)[measure] for one in records}
    return pd.DataFrame(columns).rename_axis("Digit")


def _one_network(records: Sequence[LearningRecord]) -> None:
    """The images that gave one run the most trouble."""
    get_ready()  # a fragment has a thread of its own
    record = _pick("Run", "network", "when_learned_run", records)
    kind = pick("Validation images", "images", "when_learned_kind", KINDS, "late")
    rows = troublesome(record.images, kind)
    if rows.empty:
        st.success(f"There is no such image: none of {len(record.images):,} was {DIGITS[kind]}.")
        return
    st.caption(
        f"{len(rows):,} of {len(record.images):,} images. A cross marks what is still read wrongly after the last epoch, "
        f"{record.epochs[-1]:g}."
    )
    page = rows.iloc[pager(len(rows), f"when_learned_page_{record.run.run_id}_{kind}")]
    lines = {}
    for index, first, forgotten in zip(page["index"], page["first"], page["forgotten"], strict=True):
        caption = f"forgot {forgotten}×" if kind == "forgotten" else "never" if np.isnan(first) else f"epoch {first:g}"
        lines[int(index)] = f"{record.labels[index]}: {caption}"
    captioned(pictures(record.run, "val", record.labels), lines, marks=[not right for right in page["last"]])


def troublesome(images: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Rows of ``when_learned``, the worst first: what was not learned at once, what was forgotten, or never learned."""
    if kind == "never":
        return images[images["first"].isna()]
    by = "first" if kind == "late" else "forgotten"
    rows = images[images[by] > (images[by].min() if kind == "late" else 0)]
    return rows.sort_values([by, "right_share"], ascending=[False, True], kind="stable")


def _early_for_one(records: Sequence[LearningRecord]) -> None:
    """The images that one run learned earlier than another, where both held out the same ones."""
    get_ready()
    a = _pick("A", "a", "when_learned_a", records)
    others = [one for one in records if one is not a and _same_images(one, a)]
    if not others:
        st.info(
            f"No other chosen run held out the same images as {escape_markdown(a.name)}.", icon=":material/call_split:"
        )
        return
    b = _pick("B", "b", "when_learned_b", others)
    gap = earlier(a.images, b.images)
    n_a, n_b = int((gap > 0).sum()), int((gap < 0).sum())
    st.caption(
        f"Of {len(gap):,} images A learned {n_a:,} earlier than B and B {n_b:,} earlier than A, the "
        f"other {len(gap) - n_a - n_b:,} they learned at the same epoch, or neither ever did."
    )
    ordered = np.argsort(-gap, kind="stable")[:n_a]
    shown = ordered[pager(n_a, f"when_learned_page_{a.run.run_id}_{b.run.run_id}")]
    first_a, first_b = (one.images["first"].to_numpy() for one in (a, b))
    if len(shown):
        st.caption("The true digit, then the epoch at which A and B first read it; those furthest apart come first.")
        captioned(
            pictures(a.run, "val", a.labels),
            {i: f"{a.labels[i]}\nA {first_a[i]:g}, B {_epoch(first_b[i])}" for i in map(int, shown)},
        )


def earlier(a: pd.DataFrame, b: pd.DataFrame) -> NDArray[np.float64]:
    """How many epochs before b did a read each image; infinite where the other never did, 0 where neither did.

    a, b: frames of ``when_learned`` about the same N images -> (N,)
    """
    first_a, first_b = (one["first"].fillna(np.inf).to_numpy(np.float64) for one in (a, b))
    gap = np.zeros(len(first_a))
    np.subtract(first_b, first_a, out=gap, where=np.isfinite(first_a) | np.isfinite(first_b))
    return gap


def _epoch(first: float) -> str:
    return "never" if np.isnan(first) else f"{first:g}"


def _same_images(a: LearningRecord, b: LearningRecord) -> bool:
    """Whether two runs held out the same validation images."""
    same = all(a.run.manifest.get(name) == b.run.manifest.get(name) for name in ("dataset_hashes", "split_hash"))
    return same and np.array_equal(a.labels, b.labels)


def _pick(label: str, name: str, key: str, records: Sequence[LearningRecord]) -> LearningRecord:
    """name: in the address"""
    by_id = {record.run.run_id: record for record in records}
    names = {run_id: record.name for run_id, record in by_id.items()}
    run_id = choose(label, name, key, names, next(iter(names)), st.selectbox, format_func=names.__getitem__)
    return by_id[run_id]
