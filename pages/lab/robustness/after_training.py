"""After training: what is left of the answers when weights are pruned or rounded, units go, or noise comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from core.analysis.metrics import wilson
from core.analysis.tolerance import Change, changes
from core.charts.damage import Scale, bytes_curves, damage_curves, describe_bytes, describe_damage
from core.charts.theme import CONFIG
from core.errors import InputError
from core.inspect.damage import DAMAGES, Damage, Measured
from core.runs.background import Progress
from core.runs.rows import Run
from pages.lab.robustness.after_amount import pick_amount, show_amount
from pages.lab.robustness.after_words import images_sentence, judged_sentence, tolerance_words
from pages.lab.robustness.damage_reading import (
    MAX_IMAGES,
    QUICK_IMAGES,
    Member,
    Question,
    Reading,
    measure_missing,
    measured,
    members_of,
    missing,
)
from pages.lab.robustness.measuring import POLL_SECONDS, jobs, progress_words
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.choices import Between, choose, follow, keep, pick, switch
from pages.shared.glossary import explain
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.redraw import redraw_page_if_changed
from pages.shared.run_look import run_look
from pages.shared.services import get_ready
from pages.shared.tables import show_table

DAMAGE, DRAW, MORE = "robustness_damage", "robustness_damage_draw", "robustness_damage_more"
FIRST = "prune"
DRAWS = Between(0, 99)
ONE_DRAW = "This is one draw of what is random; luck of the draw is in none of the intervals. "
NOT_SHOWN = (
    "What this does not show: nothing is learned again here, and a few more epochs often win back much of what was lost. "
    "Fewer bits are only imitated: every sum is still done with 32, so nothing gets faster here. Each line is one trained "
    "network; the same settings with another seed can break elsewhere."
)


def show(runs: Sequence[Run]) -> None:
    """Draw the choice of a damage, what the runs read after it, and what measures that."""
    get_ready()
    _follow()
    members = members_of(runs, MAX_IMAGES if st.session_state[MORE] else QUICK_IMAGES)
    if members:
        if (n_val := max(member.n_val for member in members)) > QUICK_IMAGES:
            which = "All" if n_val <= MAX_IMAGES else f"{MAX_IMAGES:,}"
            switch(
                f"{which} validation images", "more", MORE,
                f"Instead of {QUICK_IMAGES:,}: narrower intervals, and it takes as many times longer.",
            )  # fmt: skip
        goes_on = jobs().progress(_job_key(members, _question())).goes_on
        fragment(_one_damage, run_every=POLL_SECONDS if goes_on else None)(members, goes_on)


def _follow() -> None:
    """What a link says of the question, before anything asks for it."""
    follow("damage", DAMAGE, DAMAGES, FIRST)
    follow("draw", DRAW, DRAWS, 0)
    follow("more", MORE, (False, True), False)


def _question() -> Question:
    """What is chosen now."""
    damage = DAMAGES[st.session_state[DAMAGE]]
    return Question(damage, int(st.session_state[DRAW]) if damage.is_random else 0)


def _one_damage(members: Sequence[Member], drawn_as_going_on: bool) -> None:
    get_ready()  # a fragment has a thread of its own
    _choose()
    question = _question()
    damage, progress = question.damage, jobs().progress(_job_key(members, question))
    redraw_page_if_changed(drawn_as_going_on, progress.goes_on)
    st.caption(f"{damage.help} {images_sentence(members)}")
    curves = measured(members, question, progress.results)
    _measure(members, question, curves, progress)
    if not any(curves):
        return
    amount = pick_amount(damage)
    table = _table(members, damage, curves)
    _charts(table, damage, amount)
    changed = _changes(members, damage, curves)
    _losses(members, damage, curves, changed)
    show_amount(members, question, amount, curves, changed)
    st.caption(f"{ONE_DRAW if damage.is_random else ''}{NOT_SHOWN}")
    _twin(table, damage)
    explain("accuracy", "validation", "parameters", "layer", "percentage points", "interval", "mid-p", "Holm")


def _choose() -> None:
    """Draw the choice of a damage, and of a draw where it is random."""
    name = pick("Damage", "damage", DAMAGE, {name: damage.title for name, damage in DAMAGES.items()}, FIRST)
    if DAMAGES[name].is_random:
        choose(
            "Draw (seed)", "draw", DRAW, DRAWS, 0, st.number_input, width=140,
            help="Another draw hits other units, or moves weights another way: see how much depends on it.",
        )  # fmt: skip
    else:
        keep("draw", None)


def _job_key(members: Sequence[Member], question: Question) -> tuple[object, ...]:
    damage, draw = question
    return damage.name, draw, *((member.run.run_id, member.run.version, len(member.labels)) for member in members)


def _losses(
    members: Sequence[Member], damage: Damage, curves: Sequence[Sequence[Measured]], changed: Mapping[str, Sequence[Change]]
) -> None:  # fmt: skip
    """A sentence for each network that something is known of."""
    sentences = []
    for member, curve in zip(members, curves, strict=True):
        if curve and not curve[0].effect.n_parts:
            sentences.append(f"**{escape_markdown(member.name)}** has no hidden units, so nothing is taken from it.")
        elif changes_of_one := changed.get(member.run.run_id):
            sentences.append(tolerance_words(member.name, damage, changes_of_one))
    if sentences:
        st.markdown("\n".join(f"- {text}" for text in sentences))
        st.caption(judged_sentence(members))


def _measure(
    members: Sequence[Member], question: Question, curves: Sequence[Sequence[Measured]], progress: Progress[Reading]
) -> None:
    """The button that measures what is missing, or how far that is, with the button that stops it."""
    n_missing = sum(len(missing(question.damage, curve)) for curve in curves)
    key = _job_key(members, question)
    if progress.goes_on:
        how_far = progress_words(progress)
        st.progress(progress.share, f"{how_far[0].upper()}{how_far[1:]}")
        st.button(
            "Stop", icon=":material/stop:", key="robustness_damage_stop", on_click=jobs().stop, args=(key,),
            help="What has been measured stays.",
        )  # fmt: skip
        return
    if progress.state == "failed":
        st.error(sentence(progress.reason), icon=":material/error:")
    if n_missing:
        begun = any(curves)
        st.button(
            "Measure the rest" if begun else "Measure", icon=":material/play_arrow:", key="robustness_damage_start",
            type="secondary" if begun else "primary", on_click=_start, args=(members, question, curves, key, n_missing),
            help=f"{n_missing:,} points, for each of which a network reads its images once: a few thousandths of a second "
            "to some seconds.",
        )  # fmt: skip


def _start(
    members: Sequence[Member], question: Question, curves: Sequence[Sequence[Measured]], key: tuple[object, ...], n: int
) -> None:
    try:
        jobs().start(key, partial(measure_missing, members, question, curves), n)
    except InputError as error:
        st.toast(sentence(error), icon=":material/hourglass_empty:")


def _changes(
    members: Sequence[Member], damage: Damage, curves: Sequence[Sequence[Measured]]
) -> Mapping[str, Sequence[Change]]:
    """Run id -> each amount against the undamaged network, of those that have both."""
    whole = {
        member.run.run_id: [(point.amount, point.right) for point in curve]
        for member, curve in zip(members, curves, strict=True)
        if curve and curve[0].amount == damage.amounts[0]
    }
    return dict(zip(whole, changes(list(whole.values())), strict=True))


def _table(members: Sequence[Member], damage: Damage, curves: Sequence[Sequence[Measured]]) -> pd.DataFrame:
    """A row per run and amount, as the charts want it."""
    rows = []
    for number, (member, curve) in enumerate(zip(members, curves, strict=True)):
        for point in curve:
            n_right, n = int(point.right.sum()), len(point.right)
            low, high = wilson(n_right, n)
            rows.append(
                {
                    "number": number, "name": member.name, "look": run_look(member.run), "amount": point.amount,
                    "words": damage.words(point.amount), "accuracy": n_right / n, "low": low, "high": high, "n": n,
                    "bytes": point.effect.bytes,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _charts(table: pd.DataFrame, damage: Damage, amount: float) -> None:
    with st.grid(2 if damage.shrinks else 1, min_column_width=320):
        scale: Scale = "share" if damage.is_share else "bits"
        figure = damage_curves(table, f"{damage.title} ({damage.unit})", scale, damage.amounts, amount)
        st.plotly_chart(
            inked(figure), key=f"robustness_damage_{damage.name}", config=dict(CONFIG),
            alt=describe_damage(table, damage.title),
        )  # fmt: skip
        if damage.shrinks:
            st.plotly_chart(
                inked(bytes_curves(table)), key=f"robustness_bytes_{damage.name}", config=dict(CONFIG),
                alt=describe_bytes(table),
            )  # fmt: skip
    st.caption("Around each line its 95 % interval (after Wilson). The dotted line is where the slider stands.")


def _twin(table: pd.DataFrame, damage: Damage) -> None:
    twin = st.expander("The same as a table", key="robustness_damage_twin", on_change="rerun")
    if twin.open:
        percent = {name: 100 * table[name] for name in ("accuracy", "low", "high")}
        shown = pd.DataFrame(
            {
                "run": table["name"], damage.title.lower(): table["words"], "validation (%)": percent["accuracy"].round(2),
                "95 % from": percent["low"].round(2), "to": percent["high"].round(2), "n": table["n"],
                "bytes": table["bytes"],
            }
        )  # fmt: skip
        show_table(
            shown, f"after_training_{damage.name}", place=twin, height=400,
            alt="What each run reads at each amount, and the bytes that are left",
        )  # fmt: skip
