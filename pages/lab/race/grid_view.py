"""What a grid of two settings showed: its cells as a map, and whether the effects add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.analysis.interactions import Outcome
from core.analysis.verdicts import fewest_seeds
from core.compare.conditions import accuracy_words, judged_split
from core.compare.grid_blocks import Block, GridVerdict
from core.compare.kinds.kind import Kind
from core.compare.results import Round
from core.errors import InputError
from core.runs.groups import Group
from pages.lab.race.link import grid_link
from pages.lab.race.verdict_view import figure, interval
from pages.shared.chart_ink import inked
from pages.shared.gallery import is_dark
from pages.shared.glossary import explained
from pages.shared.markdown import escape_markdown
from pages.shared.tables import show_table

MAX_OPEN_CLAIMS = 4  # blocks whose sentences stand on the page; all of them are in the table
ICONS: Mapping[Outcome, str] = {
    "interact": ":material/join_inner:", "add up": ":material/add:", "unknown": ":material/balance:",
}  # fmt: skip
WORDS: Mapping[Outcome, str] = {
    "interact": "do not add up", "add up": "add up, as far as can be told", "unknown": "can not be told",
}  # fmt: skip


def show_grid(group: Group, kind: Kind, only: Round, verdict: GridVerdict) -> None:
    """The map, the verdict and every block in figures. only: the one round of the group, which carries the verdict"""
    from core.charts.factor_grid import GridAxis, describe_factor_grid, factor_grid, grid_cells
    from core.charts.theme import CONFIG

    split = judged_split(only.members)
    cells = grid_cells(kind.table(only.members), split)
    rows, columns = (GridAxis.of(factor) for factor in group.plan["factors"])
    outcomes = [block.outcome for block in verdict.blocks]
    n_images = _n_images(only)
    st.subheader(f"{accuracy_words(split).capitalize()} with every pair of values")
    st.plotly_chart(
        inked(factor_grid(cells, rows, columns, outcomes, dark=is_dark())), key="race_grid", config=dict(CONFIG),
        alt=describe_factor_grid(cells, rows, columns, split=split, n_images=n_images),
    )  # fmt: skip
    st.caption(
        f"Each cell: the mean over its seeds on {n_images:,} images, and how far single runs lie from it (standard deviation, "
        "percentage points). The stronger the colour, the higher. A mark between four cells: do both effects add up?"
    )
    st.subheader("Verdict")
    st.markdown(f"{ICONS[verdict.outcome]} {escape_markdown(verdict.summary)}")
    for block in verdict.claims[:MAX_OPEN_CLAIMS]:
        st.markdown(f"- {escape_markdown(block.sentence)}")
    if len(verdict.claims) > MAX_OPEN_CLAIMS:
        st.caption(f"{len(verdict.claims) - MAX_OPEN_CLAIMS} more stand in the table of all blocks.")
    table = _block_table(verdict.blocks)
    if len(table):
        fold = st.expander("All blocks in figures" if len(verdict.blocks) > 1 else "In figures", key="race_blocks",
                           on_change="rerun")  # fmt: skip
        if fold.open:
            show_table(
                table,
                "race_blocks_table",
                place=fold,
                column_config=explained(table, _BLOCKS),
                alt="Every block in figures",
            )
    st.caption(escape_markdown(_explanation(only, verdict, n_images)))
    st.caption(kind.caveat)
    try:
        query = grid_link(group.plan)
    except InputError:  # written for settings that no longer exist
        return
    st.page_link("pages/lab/race/page.py", label="Set up a grid like this", icon=":material/tune:", query_params=query)


_POINTS = {
    "first alone": figure(
        "%+.2f", "What changing the first setting alone does, in percentage points, mean over seeds."
    ),
    "second alone": figure("%+.2f", "What changing the second setting alone does, in percentage points."),
    "both": figure("%+.2f", "What both changes together do, in percentage points."),
    "left over": figure("%+.2f", "Both together, less what each does alone: 0 where effects add up exactly."),
}
_BLOCKS: Mapping[str, Any] = {
    **_POINTS,
    "95 %, other seeds": st.column_config.TextColumn(
        help="Interval of what is left over with other seeds, on these test images; wide enough for all blocks together."
    ),
    "95 %, other images": st.column_config.TextColumn(
        help="The same with other seeds and other test images, too: a bootstrap over both, of this block alone."
    ),
    "p": figure("%.4f", "How often luck alone leaves so much over: random signs on what is left over with each seed."),
    "p, all blocks": figure("%.4f", "The same after Holm: many blocks are many chances for luck."),
}


def _block_table(blocks: Sequence[Block]) -> pd.DataFrame:
    """A row for each block in which a seed has finished in all four cells."""
    rows = []
    for block in blocks:
        figures, names = block.figures, block.names
        if figures is None:
            continue
        rows.append(
            {
                "first change": f"{names.first} {' to '.join(names.first_values)}",
                "second change": f"{names.second} {' to '.join(names.second_values)}", "seeds": len(figures.seeds),
                "first alone": 100 * figures.first, "second alone": 100 * figures.second, "both": 100 * figures.both,
                "left over": 100 * figures.mean, "95 %, other seeds": interval(figures.low, figures.high),
                "95 %, other images": interval(*(block.wide or (None, None))), "p": figures.p, "p, all blocks": block.p,
                "effects": WORDS[block.outcome],
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _n_images(only: Round) -> int:
    key = f"n_{judged_split(only.members)}"
    return next((run.summary[key] for member in only.members for run in member.runs if key in run.summary), 0)


def _explanation(only: Round, verdict: GridVerdict, n_images: int) -> str:
    """Why nothing can be told yet, and what the figures are about."""
    split, n = judged_split(only.members), len(verdict.blocks)
    fewest, needed = min(len(member.results(split)) for member in only.members), fewest_seeds(n)
    lines = []
    if fewest < needed:
        finished = ("no run", "one run")[fewest] if fewest < 2 else f"{fewest} runs"
        lines.append(
            f"One of the cells has finished {finished} so far. Each needs at least {needed}, one for every seed, before luck "
            "can be ruled out, however clear it looks."
        )
    unbiased = (
        "opened only after each run had chosen its weights" if split == "test" else "which also chose the weights"
    )
    lines.append(f"Judged by {accuracy_words(split)} on the same {n_images:,} images for all, {unbiased}.")
    if n > 1:
        lines.append(
            f"All {n} blocks of neighbouring values are read together, so each has to be clearer than it would alone."
        )
    lines.append(
        "That effects add up is said only where the range after “95 %” stays below the smaller of both effects; elsewhere, not "
        "to see that they spoil each other is no sign that they do not."
    )
    return " ".join(lines)
