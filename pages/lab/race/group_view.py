"""One comparison as it grows: how far it is, its curves as bands over seeds, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from core.analysis.history import frame
from core.charts.looks import Look
from core.compare import kinds
from core.compare.conditions import Condition, conditions
from core.compare.kinds.kind import Kind
from core.compare.leaderboard import training_multiply_adds
from core.errors import InputError
from core.runs.groups import Group, damaged_groups, group, groups, rename_group
from core.runs.reading import epoch_ends
from core.runs.rows import Run
from core.runs.schema import StorageError
from pages.lab.race.group_results import results, size_words
from pages.lab.race.take_group import choose_form
from pages.shared.axes import METRICS, pick_axis, pick_live, pick_log_axis
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.chart_notes import losses_sentence
from pages.shared.glossary import explain
from pages.shared.link_state import follow_once, remember
from pages.shared.live_state import Wanted, current
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.progress import ends, progress_sentence
from pages.shared.redraw import redraw_page_if_changed
from pages.shared.run_actions import OUT_OF_QUEUE, delete_button, name_field, stop, undo
from pages.shared.run_look import architecture_look, run_look
from pages.shared.run_picker import has_result, with_most_images
from pages.shared.services import store, worker
from pages.shared.status import is_active
from pages.shared.taking import take_button
from pages.shared.watch import watch_card

if TYPE_CHECKING:
    from core.charts.axis import Metric, X

KEY, GROUP, QUEUE = "race", "race_group", "race_queue"
MAX_COMPARED_RUNS = 10  # runs that the Compare page takes

RunKey = tuple[str, int, int]  # run id, ends of epochs, training images: when these are equal, so are its points
# Of each condition label, look, multiply-adds, runs.
ConditionKeys = tuple[tuple[str, Look, int | None, tuple[RunKey, ...]], ...]


def pick_group() -> Group | None:
    """Let the visitor choose a comparison, at first the newest that goes on or has a finished run; None when there is none."""
    undo(KEY, "Deleted the comparison and its {n} runs.")
    undo(QUEUE, OUT_OF_QUEUE)
    if names := damaged_groups(store()):
        st.warning(
            f"What was planned is damaged, so these can not be shown: {escape_markdown(', '.join(names))}. Their runs are in "
            "the list on the Train page, where they can be deleted.", icon=":material/broken_image:",
        )  # fmt: skip
    by_id = {one.group_id: one for one in groups(store())}
    if linked := follow_once("group", GROUP):
        if linked in by_id:
            st.session_state[GROUP] = linked
        else:
            st.warning("The link asks for a race that is not here.", icon=":material/link_off:")
    if not by_id:
        return None
    if st.session_state.get(GROUP) not in by_id:
        worth_seeing = {run.group for run in store().runs() if run.status == "finished" or is_active(run)}
        st.session_state[GROUP] = next((group_id for group_id in by_id if group_id in worth_seeing), next(iter(by_id)))
    group_id = st.selectbox(
        "Comparison", list(by_id), format_func=lambda key: _group_line(by_id[key]), key=GROUP,
        persist_state="session", help="The newest first.",
    )  # fmt: skip
    show(group_id, picked=True)
    return by_id[group_id]


def show(group_id: str, *, picked: bool = False) -> None:
    """Make a comparison the one that is shown and that the address names. picked: its select box is drawn already"""
    if not picked:
        st.session_state[GROUP] = group_id
    remember("group", GROUP, group_id)


def group_view(shown: Group) -> None:
    """The comparison; moves while one of its runs is active, and is drawn anew when one of them ends an epoch."""
    going_on = any(is_active(run) for run in store().runs(group=shown.group_id))
    live = going_on and pick_live(KEY)
    _panel(shown.group_id, going_on, live)


@fragment
def _panel(group_id: str, going_on: bool, live: bool) -> None:
    runs = store().runs(group=group_id)
    redraw_page_if_changed((True, going_on), (bool(runs), any(is_active(run) for run in runs)))
    try:
        shown = group(store(), group_id)
        kind = kinds.get(shown.kind)
    except StorageError:  # busy is not gone
        raise
    except InputError as error:  # somebody deleted it a moment ago, or a later version made it
        st.info(sentence(error), icon=":material/info:")
        return
    members = conditions(shown, runs)
    looks = {member.number: _look(shown, member) for member in members}
    _head(shown, runs, live)
    _charts(_drawn(shown, kind, members), looks)
    results(shown, kind, runs, looks)
    if notes := shown.plan.get("notes"):
        with st.expander("How it was set up"):
            for note in notes:
                st.caption(escape_markdown(note))


def _group_line(group: Group) -> str:
    runs = "1 run" if group.n_runs == 1 else f"{group.n_runs:,} runs"
    kind = _in_sentence(kinds.KINDS[group.kind].title) if group.kind in kinds.KINDS else group.kind
    return f"{group.name}: {kind}, {runs}, {group.created_utc[:16].replace('T', ' ')} UTC"


def _in_sentence(title: str) -> str:
    """ "fair tuning", but "A/A test"."""
    return title[0].lower() + title[1:] if title[1].islower() else title


# ---- how far it is, and what can be done with all of it


def _head(shown: Group, runs: Sequence[Run], live: bool) -> None:
    ended = [run for run in runs if run.has_ended]
    waiting = [run for run in runs if run.status in ("paused", "interrupted")]
    if len(ended) < len(runs):
        wanted = Wanted("group", group=shown.group_id)
        key = f"race_progress_{shown.group_id}"
        watch_card(current(wanted), wanted, shown.group_id, key, live=live, reruns_page=True)
    else:
        st.caption(progress_sentence(runs, 0))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ids = [run.run_id for run in runs]
        name_field(f"race_rename_{shown.group_id}", shown.name, partial(_rename, shown.group_id), width=320)
        if waiting:
            going = [run.run_id for run in waiting]
            st.button("Resume", icon=":material/play_arrow:", key="race_resume", on_click=_go_on, args=(going,))
        if len(ended) < len(runs):
            going = [run.run_id for run in runs if not run.has_ended]
            st.button(
                "Stop all", icon=":material/stop:", key="race_stop", on_click=stop, args=(QUEUE, going),
                help="Keeps the best weights of those that have begun; the others leave the queue, which can be undone.",
            )  # fmt: skip
        if len(ended) == len(runs):
            take_button(f"race_take_{shown.group_id}", choose_form, shown.group_id)
        delete_button(KEY, ids, "Can be undone; those that are training are stopped.")
        with_result = [run for run in sorted(runs, key=lambda run: run.number) if has_result(run)]
        if with_result:
            compared = with_most_images(with_result)[:MAX_COMPARED_RUNS]
            st.page_link(
                "pages/lab/compare/page.py", label="Compare its runs", icon=":material/compare_arrows:",
                query_params={"run": ",".join(run.run_id for run in compared)},
            )  # fmt: skip
    if older_split := next((run.older_split for run in runs if run.older_split), ""):
        st.caption(older_split)


def _go_on(ids: Sequence[str]) -> None:
    for run_id in ids:
        try:
            store().request(run_id, "run")
        except InputError as error:
            st.toast(escape_markdown(error), icon=":material/error:")
    worker().wake()


def _rename(group_id: str, name: str) -> None:
    if name.strip():  # unlike a run, it has no name of its own to go back to
        rename_group(store(), group_id, name)


# ---- curves


def _drawn(shown: Group, kind: Kind, members: Sequence[Condition]) -> Sequence[Condition]:
    """Whose curves can stand side by side: those of one lineup."""
    lineups = {lineup.n_train: lineup.members for lineup in kind.lineups(shown.plan, members)}
    if kind.curves:
        st.caption(kind.curves)
    if len(lineups) == 1:
        return next(iter(lineups.values()))
    size = st.segmented_control(
        "Curves for this number of training images", list(lineups), format_func=size_words, required=True, wrap=True,
        default=next(iter(lineups)), key=f"race_size_{shown.group_id}", persist_state="session",
    )  # fmt: skip
    return lineups[size]


def _look(shown: Group, member: Condition) -> Look:
    """That of its first run; where all of them were deleted, that of its architecture."""
    if member.runs:
        return run_look(member.runs[0])
    return architecture_look(shown.plan["contestants"][member.number]["architecture"], member.number)


def _charts(members: Sequence[Condition], looks: Mapping[int, Look]) -> None:
    from core.charts.theme import CONFIG

    with st.container(horizontal=True, vertical_alignment="center"):
        x, log_y = pick_axis(KEY), pick_log_axis(KEY, [run for member in members for run in member.runs])
        explain("contestant", "seed", "epoch", "loss", "nats", "validation", "test", "standard deviation", "interval", "p",
                "Holm", "wins")  # fmt: skip
    keys = tuple(
        (
            member.label,
            looks[member.number],
            training_multiply_adds(member.runs[0]) if member.runs else None,
            tuple((run.run_id, ends(run), run.started.get("n_train", 0)) for run in member.runs if run.latest),
        )
        for member in members
    )
    for column, metric in zip(st.columns(2), METRICS, strict=True):
        figure, alt = _figure(keys, x, metric, log_y)
        with column:
            st.plotly_chart(inked(figure), key=f"race_{metric}", alt=alt, config=dict(CONFIG))
    if note := losses_sentence([run for member in members for run in member.runs]):
        st.caption(note)


@st.cache_resource(show_spinner=False, max_entries=32)
def _figure(keys: ConditionKeys, x: X, metric: Metric, log_y: bool) -> tuple[Any, str]:
    from core.charts.bands import Band, bands, describe_bands

    series = [Band(label, look, [_points(*key) for key in runs], work) for label, look, work, runs in keys]
    return bands(series, x=x, metric=metric, log_y=log_y), describe_bands(series, metric=metric)


@st.cache_resource(show_spinner=False, max_entries=1024)
def _points(run_id: str, ends: int, n_train: int) -> pd.DataFrame:
    """What a run measured at the ends of its epochs: all that a band needs, and little to read."""
    return frame(epoch_ends(store(), [run_id])[run_id], n_train)
