"""A pupil's challenge above the form and the curves: how far the pupil has come, the goal, and whose runs are shown."""

from __future__ import annotations

from collections.abc import Collection

import streamlit as st

from core.compare.challenge_board import Row, best_of_each, board, counts
from core.config import RunConfig
from core.runs import challenges
from core.runs.challenges import Challenge, Entry
from core.runs.guesses import NAME_LENGTH
from core.runs.rows import Run, check_line
from core.runs.set_aside import Right
from pages.lab.train import locks
from pages.shared.busy import fragment
from pages.shared.challenge_judging import POLL_SECONDS, judge
from pages.shared.challenge_words import budget_sentence, goal_sentence
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.run_picker import percent
from pages.shared.services import store
from pages.shared.status import ended_sentence, status_sentence
from pages.shared.visitor import owner

NAME = "challenge_name"  # key of the field


def pupils_name() -> str:
    """What this visitor is called on the board of a challenge, "" for no name. Raises ConfigError where it can not be shown."""
    return check_line(st.session_state.get(NAME) or "", "name", NAME_LENGTH)


def own_runs(challenge: Challenge) -> list[tuple[Entry, Run]]:
    """Those of this visitor that take part, in the order in which they were started."""
    entries = {entry.run_id: entry for entry in challenges.entries(store(), challenge.challenge_id)}
    runs = {run.run_id: run for run in store().runs(run_ids=list(entries)) if run.owner == owner()}
    return [(entry, runs[run_id]) for run_id, entry in entries.items() if run_id in runs]


def runs_to_show() -> Collection[str] | None:
    """The ids of the runs that a pupil sees: the base run and the pupil's own; None, for all, outside of a challenge."""
    challenge = locks.challenge()
    if challenge is None:
        return None
    return {challenge.base_run_id, *(run.run_id for _, run in own_runs(challenge))}


def next_name(challenge: Challenge) -> str:
    """What the pupil's next network is called: by its number, for all the pupil's networks have much the same settings. The
    number comes first, since a narrow table cuts the end off."""
    return f"Network {len(own_runs(challenge)) + 1} of {challenge.title}"


def say_if_like_base(configs: Collection[RunConfig]) -> None:
    """Say so while the form would train the base run once more."""
    challenge = locks.challenge()
    if challenge and any(config == challenge.config for config in configs):
        st.info(
            "Change at least one setting first: so far this is a copy of the base run, and would gain exactly nothing.",
            icon=":material/content_copy:",
        )


def show_challenge(challenge: Challenge) -> None:
    """Draw it, with the field for the pupil's name."""
    own = own_runs(challenge)
    with st.container(border=True, key="challenge"):
        st.markdown(f"**Challenge: {escape_markdown(challenge.title)}**")
        _standing_now(challenge, own)
        st.markdown(f"{goal_sentence(challenge.terms)} {budget_sentence(challenge)}")
        if not own:
            st.caption(
                "You are judged by images that no network of this challenge learns from. Each network that you train from this "
                "page counts; on the board stands the one that does best on the validation images. What is grey is the "
                "same for everybody."
            )
        st.text_input(
            "Your name on the board", key=NAME, max_chars=NAME_LENGTH, persist_state="session", width=320,
            placeholder="may stay empty", help="Without one you are called by a number, such as pupil 3.",
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link("pages/learn/teachers/page.py", label="Board of the class", icon=":material/emoji_events:",
                         query_params={"view": "challenges", "challenge": challenge.challenge_id})  # fmt: skip
            st.button(
                "Leave the challenge",
                type="tertiary",
                icon=":material/logout:",
                key="challenge_leave",
                on_click=locks.leave,
            )


def _standing_now(challenge: Challenge, own: list[tuple[Entry, Run]]) -> None:
    """Up to date by itself as long as something of it trains or is being judged."""
    base = next(iter(store().runs(run_ids=[challenge.base_run_id])), None)
    is_moving = any(not run.has_ended for run in (base, *(run for _, run in own)) if run)
    best = _judged_runs(challenge, base, own)
    if is_moving or judge(best).n_waiting:
        fragment(_standing, run_every=POLL_SECONDS)(challenge)
    else:
        _standing(challenge)


def _judged_runs(challenge: Challenge, base: Run | None, own: list[tuple[Entry, Run]]) -> list[Run]:
    """The base run and the best of the pupil, as far as they count."""
    best = best_of_each(challenge, [entry for entry, _ in own], {run.run_id: run for _, run in own})
    return [run for run in (base, *(run for _, run, _ in best)) if run and counts(challenge, run)]


def _standing(challenge: Challenge) -> None:
    """How far the pupil's best network has come beside the base run, on the images that were set aside."""
    own = own_runs(challenge)
    base = next(iter(store().runs(run_ids=[challenge.base_run_id])), None)
    if base is None:
        st.info("The base run was deleted, so nothing can be compared with it.", icon=":material/delete:")
        return
    if not base.has_ended:
        st.caption(f":material/hourglass_top: The base run has no result yet. {sentence(status_sentence(base))}")
        return
    if not counts(challenge, base):
        st.info(
            f"The base run has no result to compare with. {sentence(ended_sentence(base))}", icon=":material/block:"
        )
        return
    judged = judge(_judged_runs(challenge, base, own))
    for reason in judged.faults.values():
        st.error(f"A network can not be judged. {sentence(reason)}", icon=":material/error:")
    if base.run_id in judged.right:
        _show_standing(challenge, own, judged.right, judged.right[base.run_id])
    if judged.n_waiting:
        st.caption(":material/hourglass_top: The images that were set aside are being read …")


def _show_standing(challenge: Challenge, own: list[tuple[Entry, Run]], right: dict[str, Right], base: Right) -> None:
    """right: run id -> (n,) which images set aside it read right · base: the same of the base run"""
    best = best_of_each(challenge, [entry for entry, _ in own], {run.run_id: run for _, run in own})
    of_base, goal = f"Base run: {percent(base.mean())}.", f"{challenge.terms.goal:g}"
    points = "point" if challenge.terms.goal == 1 else "points"
    rows = board(challenge, best, right, base)
    if not rows:
        st.markdown(f"**{of_base} The goal is {goal} {points} more.**")
        st.caption(f"Right answers on {len(base):,} images that were set aside, one seed.")
        return
    row = rows[0]
    st.markdown(f"**You: {percent(row.accuracy)}. {of_base} {_distance(challenge, row)}**")
    run = next(run for _, run, _ in best)
    which = ""
    if len(own) > 1:
        which = f" “You” is {escape_markdown(run.label)}, your best on the validation images."
    st.caption(
        f"Right answers on {row.n:,} images that were set aside, one seed each; 95 % interval of the gain "
        f"{100 * row.gain_low:+.2f} to {100 * row.gain_high:+.2f} points.{which}"
    )


def _distance(challenge: Challenge, row: Row) -> str:
    """Such as "That is 0.50 points more, and the goal is 2 points more." """
    goal = f"{challenge.terms.goal:g} point{'' if challenge.terms.goal == 1 else 's'} more"
    if row.is_reached:
        return f"You have reached the goal of {goal}: it is {100 * row.gain:.2f}."
    so_far = f"{abs(100 * row.gain):.2f} points {'more' if row.gain > 0 else 'less'}"
    return f"That is {so_far}. The goal is {goal}." if row.gain else f"The goal is {goal}."
