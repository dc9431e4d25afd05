"""The experiment behind a guess: it starts when the guess is locked in, and the visitor may leave and come back."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from core.config import RunConfig
from core.data import present_names
from core.errors import InputError
from core.experiments.lessons import Lesson
from core.runs import guesses
from core.runs.guesses import Guess
from core.runs.rows import Run
from pages.learn.lessons.faults import keep_fault, show_fault
from pages.shared.busy import fragment
from pages.shared.live_state import Wanted, current
from pages.shared.redraw import redraw_page_if_changed
from pages.shared.run_actions import stop
from pages.shared.services import launch, store
from pages.shared.status import is_active
from pages.shared.visitor import owner
from pages.shared.watch import MOST_RUNS, watch_card, watch_charts, watch_start

USABLE = ("queued", "running", "finished")
JUDGED = ("finished", "diverged")  # ways to end from which something can be read


class Planned(NamedTuple):
    """A run that a lesson trains. key: the settings as text"""

    label: str
    seed: int
    config: RunConfig
    key: str


def has_images(lesson: Lesson) -> bool:
    """Whether the images that its experiment needs are on this computer."""
    return not _needs_mnist(lesson.id, lesson) or "mnist" in present_names()


def is_trained_here(lesson: Lesson) -> bool:
    """Whether there is something to train, and the images for it are here."""
    return lesson.experiment.kind == "train" and has_images(lesson)


def is_complete(lesson: Lesson, guess: Guess, runs: Sequence[Run]) -> bool:
    """Whether what came out can be read: of the visitor's own runs, or of others where none are trained. runs: of the guess"""
    if not is_trained_here(lesson):
        return True
    if guess.result is not None and len(runs) < len(guess.run_ids):  # deleted since; what was revealed is kept
        return True
    return bool(runs) and len(runs) == len(guess.run_ids) and all(run.status in JUDGED for run in runs)


def count_trained(lesson: Lesson) -> tuple[int, int]:
    """How many networks a lesson needs, and how many of them have been trained on this computer; contestants of which different
    things are measured may share theirs."""
    planned = _planned(lesson)
    usable = _usable_runs(planned)
    return len({one.key for one in planned}), sum(run.status == "finished" for run in usable.values())


def networks_learn(n_networks: int) -> str:
    """Such as "12 networks learn"."""
    return "one network learns" if n_networks == 1 else f"{n_networks} networks learn"


def ready_runs(lesson: Lesson) -> list[str]:
    """The ids of the runs that a guess is about, contestant by contestant, where somebody has asked for all of them: in a class
    that is so for everybody but the first. [] where something is to be queued, or nothing is trained here."""
    if not is_trained_here(lesson):
        return []
    planned = _planned(lesson)
    usable = _usable_runs(planned)
    return [usable[one.key].run_id for one in planned] if all(one.key in usable for one in planned) else []


def start(lesson: Lesson, guess_id: str, seeds: Sequence[int] = ()) -> None:
    """Queue what has not been trained here yet, and note which runs the guess is about.

    A run of the same settings and seed ends with the same weights, whoever has asked for it: a class trains each one once.
    seeds: others than the lesson's own. Raises InputError.
    """
    if not is_trained_here(lesson):
        return
    planned = _planned(lesson, seeds)
    with _starting():
        run_ids = {key: run.run_id for key, run in _usable_runs(planned).items()}
        missing = {one.key: one.config for one in planned if one.key not in run_ids}
        if missing:
            run_ids |= dict(zip(missing, launch(list(missing.values())), strict=True))
    for one in reversed(planned):  # where contestants share a run, it is called after the first of them
        if one.key in missing:
            store().annotate(run_ids[one.key], name=f"{one.label}, seed {one.seed}")
    guesses.attach_runs(store(), owner(), guess_id, [run_ids[one.key] for one in planned])


@st.cache_resource(show_spinner=False)
def _starting() -> threading.Lock:
    """Held while it is seen what is missing until that is queued: a class locks its guesses in at the same moment."""
    return threading.Lock()


def experiment(lesson: Lesson, guess: Guess, runs: Sequence[Run]) -> None:
    """How far it is, with small curves; a button where it was never started or something of it is missing.

    runs: of the guess
    """
    if not any(is_active(run) for run in runs):
        with st.container(border=True, key="experiment"):
            st.markdown(
                "The experiment was stopped before its end. It goes on where something is missing."
                if runs else "Your guess is kept. Now let the networks learn."
            )  # fmt: skip
            st.button("Start the experiment", type="primary", icon=":material/play_arrow:", key="lesson_start",
                      on_click=start_again, args=(lesson, guess.guess_id))  # fmt: skip
        show_fault()
        watch_start(".st-key-lesson_start button", "The networks wait to start …", "lessons_start")
        return
    _watch(lesson, guess)


def start_again(lesson: Lesson, guess_id: str, seeds: Sequence[int] = ()) -> None:
    """In a callback: as ``start``; what goes wrong is said when the page is drawn next."""
    with keep_fault():
        start(lesson, guess_id, seeds)


@fragment
def _watch(lesson: Lesson, guess: Guess) -> None:
    runs = runs_of(guess)
    redraw_page_if_changed(True, any(is_active(run) for run in runs))
    with st.container(border=True, key="experiment"):
        st.markdown(f"**{_who_learns(guess, runs)}** You may leave this page; your guess waits here.")
        active = [run for run in runs if not run.has_ended]
        for group in sorted({run.group for run in active if run.group}):
            wanted = Wanted("group", group=group)
            watch_card(current(wanted), wanted, group, f"lesson_progress_{group}", live=True, reruns_page=True)
        alone = [run.run_id for run in active if not run.group][:MOST_RUNS]
        first = _first_of_each(lesson, runs)
        wanted = Wanted("lesson", tuple(dict.fromkeys([*alone, *first]))[:MOST_RUNS])
        snapshot = current(wanted)
        for run_id in alone:
            watch_card(snapshot, wanted, run_id, f"lesson_progress_{run_id}", live=True, reruns_page=True)
        watch_charts(snapshot, wanted, f"lesson_charts_{guess.guess_id}", live=True)
        st.button("Stop", icon=":material/stop:", key="lesson_stop", on_click=_stop, args=(guess,),
                  help="Your guess stays. You can start the experiment again.")  # fmt: skip


def _who_learns(guess: Guess, runs: Sequence[Run]) -> str:
    """How many networks learn on this computer, and how many only have to be read."""
    by_id = {run.run_id: run for run in runs}
    n_before = len(guesses.trained_before(guess, list(by_id.values())))
    learning = networks_learn(len(by_id) - n_before)
    if n_before:
        return f"{n_before} {'was' if n_before == 1 else 'were'} trained before, and {learning} on this computer now."
    return f"{learning[0].upper()}{learning[1:]} on this computer."


def _stop(guess: Guess) -> None:
    """Others may wait for runs that they asked for; those go on."""
    own = {run.run_id for run in runs_of(guess) if not run.has_ended and run.owner == owner()}
    stop("lesson_queue", sorted(own))


def _first_of_each(lesson: Lesson, runs: Sequence[Run]) -> list[str]:
    """The run of the first seed of each contestant. runs: contestant by contestant"""
    n_seeds = max(1, len(runs) // len(lesson.contestants))
    return [run.run_id for run in runs[::n_seeds]]


def runs_of(guess: Guess) -> list[Run]:
    """Those that are still there, in the order of the guess."""
    by_id = {run.run_id: run for run in store().runs(run_ids=guess.run_ids)} if guess.run_ids else {}
    return [by_id[run_id] for run_id in guess.run_ids if run_id in by_id]


def _planned(lesson: Lesson, seeds: Sequence[int] = ()) -> Sequence[Planned]:
    """The runs of a lesson, contestant by contestant. seeds: others than the lesson's own"""
    return _planned_once(lesson.id, tuple(seeds), lesson)


# Settings are checked when they are put together, a third of a look at a lesson, and do not change while the server runs.
@st.cache_resource(show_spinner=False, max_entries=128)
def _planned_once(lesson_id: str, seeds: tuple[int, ...], _lesson: Lesson) -> Sequence[Planned]:
    return [Planned(label, seed, config, _key(config)) for label, seed, config in _lesson.configs(seeds)]


@st.cache_resource(show_spinner=False, max_entries=128)
def _needs_mnist(lesson_id: str, _lesson: Lesson) -> bool:
    return _lesson.needs_mnist()


@st.cache_resource(show_spinner=False, max_entries=2048)
def _key_of_run(run_id: str, _run: Run) -> str:
    """Raises InputError for settings that no longer exist."""
    return _key(_run.run_config())


def _usable_runs(planned: Sequence[Planned]) -> dict[str, Run]:
    """The runs of this computer with these very settings that have finished or will, by their settings."""
    wanted = {one.key for one in planned}
    architectures = {one.config.architecture for one in planned}
    usable: dict[str, Run] = {}
    for run in store().runs():
        if (
            run.architecture in architectures
            and run.status in USABLE
            and not (run.is_from_elsewhere or run.older_split)
        ):
            try:
                key = _key_of_run(run.run_id, run)
            except InputError:  # of settings that no longer exist
                continue
            if key in wanted:
                usable.setdefault(key, run)
    return usable


def _key(config: RunConfig) -> str:
    return config.model_dump_json()
