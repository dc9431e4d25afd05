"""The board of a challenge: who takes part, how far each came on images that were set aside, and what of it could be luck."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from core.analysis.metrics import INTERVAL_MEANING, wilson
from core.compare.challenge_board import Row, best_of_each, board, counts
from core.errors import InputError
from core.runs import challenges
from core.runs.challenges import Challenge, Entry
from core.runs.rows import Run
from core.runs.schema import StorageError
from core.runs.set_aside import Right
from pages.shared.busy import fragment
from pages.shared.challenge_judging import POLL_SECONDS, judge
from pages.shared.columns import all_columns, further_sentence, interval_text
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.services import store
from pages.shared.status import ended_sentence, is_active, status_sentence
from pages.shared.tables import save_button, show_table


def challenge_board(challenge: Challenge) -> None:
    """Draw it, and anew by itself."""
    fragment(_board, run_every=POLL_SECONDS)(challenge)


def _board(challenge: Challenge) -> None:
    st.markdown("**Board of the class**")
    try:
        challenge = challenges.get(store(), challenge.challenge_id)
    except StorageError:  # busy is not gone
        raise
    except InputError:
        st.info("This challenge was deleted.", icon=":material/delete:")
        return
    entries = challenges.entries(store(), challenge.challenge_id)
    run_ids = [challenge.base_run_id, *(entry.run_id for entry in entries)]
    runs = {run.run_id: run for run in store().runs(run_ids=run_ids)}
    st.caption(_who_takes_part(challenge, entries, runs))
    base = runs.get(challenge.base_run_id)
    if fault := _base_fault(challenge, base):
        st.info(fault, icon=":material/hourglass_empty:")
        return
    assert base is not None
    best = best_of_each(challenge, entries, runs)
    judged = judge([base, *(run for _, run, _ in best)])
    for run_id, reason in judged.faults.items():
        st.error(
            f"{escape_markdown(runs[run_id].label)} can not be judged. {sentence(reason)}", icon=":material/error:"
        )
    if judged.n_waiting:
        networks = "1 network reads" if judged.n_waiting == 1 else f"{judged.n_waiting:,} networks read"
        st.caption(f":material/hourglass_top: {networks} the images that were set aside …")
    if base.run_id in judged.right:
        _show(challenge, board(challenge, best, judged.right, judged.right[base.run_id]), judged.right[base.run_id])


def _who_takes_part(challenge: Challenge, entries: Sequence[Entry], runs: Mapping[str, Run]) -> str:
    """Such as "3 pupils, 5 networks: 4 count, 1 waits or learns.", or only how many where all count."""
    if not entries:
        return "Nobody takes part yet. Whoever trains a network through the link stands here when it has ended."
    entered = [runs[entry.run_id] for entry in entries if entry.run_id in runs]
    n_counting, n_active = sum(counts(challenge, run) for run in entered), sum(is_active(run) for run in entered)
    n_pupils, rest = len({entry.pupil for entry in entries}), len(entered) - n_counting - n_active
    pupils = f"{n_pupils:,} pupil{'' if n_pupils == 1 else 's'}"
    networks = f"{len(entered):,} network{'' if len(entered) == 1 else 's'}"
    if n_counting == len(entered):
        return f"{pupils}, {networks}."
    parts = [f"{n_counting:,} count{'s' if n_counting == 1 else ''}"]
    parts += (
        [f"{n_active:,} wait{'s' if n_active == 1 else ''} or learn{'s' if n_active == 1 else ''}"] if n_active else []
    )
    parts += [f"{rest:,} {'has' if rest == 1 else 'have'} no result that counts"] if rest else []
    return f"{pupils}, {networks}: {', '.join(parts)}."


def _base_fault(challenge: Challenge, base: Run | None) -> str:
    """Why nothing can be compared with the base run yet, as Markdown; "" where it can."""
    if base is None:
        return "The base run was deleted, so nobody can be compared with it. Make a new challenge."
    if not base.has_ended:
        return f"The board fills once the base run has ended. {sentence(status_sentence(base))}"
    if not counts(challenge, base):
        return f"The base run has no result to compare with. {sentence(ended_sentence(base))} Make a new challenge."
    return ""


def _show(challenge: Challenge, rows: Sequence[Row], base: Right) -> None:
    n, n_right = len(base), int(base.sum())
    st.markdown(
        f"The base run reads **{100 * n_right / n:.2f} %** of {n:,} images that were set aside "
        f"(95 % interval {interval_text(*wilson(n_right, n))} %), one seed."
    )
    if not rows:
        return
    table, key = _frame(rows), f"challenge_table_{challenge.number}"
    shown = table if all_columns(key) else table[list(_FIRST)]
    show_table(
        shown, "", key=key, column_config=_COLUMNS,
        alt=f"Board of {len(rows):,} pupils on {len(base):,} images that were set aside, the best first",
    )  # fmt: skip
    save_button(lambda: table, f"challenge_{challenge.number}")
    if further := further_sentence(shown, _COLUMNS):
        st.caption(further)
    st.write(_verdict(challenge, rows))


def _frame(rows: Sequence[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "pupil": row.pupil,
            "gain (points)": 100 * row.gain,
            "goal": "reached" if row.is_reached else "not yet",
            "right (%)": 100 * row.accuracy,
            "95 % interval": interval_text(row.low, row.high),
            "gain from": 100 * row.gain_low,
            "gain to": 100 * row.gain_high,
            "first place": _place(number, row),
            "parameters": row.n_params,
            "networks": row.n_runs,
            "images": row.n,
        }
        for number, row in enumerate(rows)
    )


def _place(number: int, row: Row) -> str:
    if not number:
        return "leads"
    return "could be luck" if row.is_like_leader else "behind"


def _verdict(challenge: Challenge, rows: Sequence[Row]) -> str:
    """Who has reached the goal, whose gain could be luck, and who can not be told from the first."""
    n_reached = sum(row.is_reached for row in rows)
    of_all = "The one pupil has" if len(rows) == 1 else f"{n_reached:,} of {len(rows):,} pupils have"
    if len(rows) == 1 and not n_reached:
        of_all = "The one pupil has not"
    goal = challenge.terms.goal
    parts = [f"{of_all} reached the goal of {goal:g} point{'' if goal == 1 else 's'}."]
    lucky = [row.pupil for row in rows if row.is_reached and not row.is_beyond_luck]
    if lucky:
        parts.append(f"The gain of {_named(lucky)} could still be luck: its interval reaches down to 0.")
    if alike := [row.pupil for row in rows if row.is_like_leader]:
        parts.append(
            f"Not distinguishable from {_named([rows[0].pupil])}, who leads: {_named(alike)}. Such a gap could be luck with "
            f"these {rows[0].n:,} images."
        )
    return " ".join(parts)


def _named(pupils: Sequence[str]) -> str:
    """Names in a sentence, as Markdown."""
    shown = [escape_markdown(pupil) for pupil in pupils]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


_FIRST = ("pupil", "gain (points)", "goal", "right (%)", "95 % interval")  # the others are there when all are asked for
_COLUMNS = {
    "pupil": st.column_config.TextColumn(width=85, help="The name that was given, or a number."),
    "right (%)": st.column_config.NumberColumn(
        format="%.2f", width=62,
        help="Of the images that were set aside, by the network of this pupil that does best on the validation images.",
    ),
    "95 % interval": st.column_config.TextColumn(width=78, help=f"{INTERVAL_MEANING} In percent."),
    "gain (points)": st.column_config.NumberColumn(
        format="%+.2f", width=78, help="Percentage points over the base run, on the same images."
    ),
    "gain from": st.column_config.NumberColumn(format="%+.2f", width=68, help="Where the 95 % interval of the gain begins."),
    "gain to": st.column_config.NumberColumn(format="%+.2f", width=58, help="Where it ends."),
    "goal": st.column_config.TextColumn(width=62),
    "first place": st.column_config.TextColumn(
        width=95, help="Whether the gap to whoever leads could be luck, after McNemar and, for all pupils at once, Holm.",
    ),
    "parameters": st.column_config.NumberColumn(format="localized", width=80),
    "networks": st.column_config.NumberColumn(width=65, help="How many networks of this pupil count."),
    "images": st.column_config.NumberColumn(format="localized", width=65, help="How many were set aside."),
}  # fmt: skip
