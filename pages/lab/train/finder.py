"""Find a learning rate: one short training in which it rises, the curve, and a button that puts the answer into the form."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core import models
from core.config import RunConfig, TrainingConfig
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from pages.lab.train import link
from pages.shared.chart_ink import inked
from pages.shared.form import fill
from pages.shared.glossary import explain
from pages.shared.markdown import sentence
from pages.shared.measuring import benchmark_lock, fragment_idle_only, measure_button, training_started, why_not
from pages.shared.services import dataset
from pages.shared.status import duration

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.engine.lr_finder import Point

POINTS = "finder_found"  # in the session: the points found with each setting of a network
MAX_CURVES = 20  # of them remembered
CHECK_SECONDS, DRAW_SECONDS = 0.25, 0.5  # between two checks for a training, and between two drawings of the curve
AFTER_OTHERS = "The search can begin when they have finished."


def lr_finder(configs: Sequence[RunConfig], unfold: str) -> None:
    """Let the visitor search for one of these networks; up to date by itself while something trains.

    configs: of different architectures, as the form says them · unfold: key of the expander that holds the form
    """
    st.markdown(
        "The network learns from one batch after the other while its **learning rate** rises from far too low to far too "
        "high. Where the loss falls, it learns; where the loss shoots up, the steps have become too long. What it learned "
        "is thrown away, and no run is made."
    )
    explain("learning rate", "loss", "nats", "batch", "step")
    if not configs:
        st.caption("First choose networks and settings that can be trained.")
        return
    fragment_idle_only(_finder)(list(configs), unfold)


def _finder(busy: bool, configs: Sequence[RunConfig], unfold: str) -> None:
    from core.engine.lr_finder import STEPS

    config = configs[0]
    if len(configs) > 1:
        titles = {one.architecture: models.title(one.architecture) for one in configs}
        # A key of its own for every choice of networks: one that is no longer ticked can not stay chosen.
        name = st.segmented_control(
            "Network to search with", list(titles), format_func=titles.__getitem__, default=config.architecture,
            required=True, wrap=True, key=f"finder_network_{'_'.join(titles)}",
        )  # fmt: skip
        config = next(one for one in configs if one.architecture == name)
    pressed = measure_button(
        "Find", busy, key="finder_find", help=f"Up to {STEPS} steps on training images with the settings above."
    )
    why_not(busy)
    place = st.container()
    if pressed:
        _find(config, place)
    _show(config, len(configs), place, unfold)


def _find(config: RunConfig, place: DeltaGenerator) -> None:
    """Search; bar and curve in ``place`` grow while it goes on. Only a whole search is remembered."""
    from core.engine.lr_finder import STEPS, find_lr, lr_text

    with place, benchmark_lock(AFTER_OTHERS) as mine:
        if not mine:
            return
        bar, chart = st.progress(0.0, "Getting ready …"), st.empty()
        points: list[Point] = []
        training_begun = _now_and_then(training_started)
        began = drawn = time.monotonic()
        try:
            search = find_lr(config, dataset(config.data.dataset), should_stop=training_begun)
            while (point := _next_point(search)) is not None:
                points.append(point)
                now = time.monotonic()
                left = (now - began) / len(points) * (STEPS - len(points))
                words = f"Step {len(points)} of at most {STEPS}, learning rate {lr_text(point.lr)}"
                bar.progress(len(points) / STEPS, f"{words}, about {duration(max(0.1, left))} left")
                if now - drawn >= DRAW_SECONDS:
                    drawn = now
                    _draw(points, None, chart)
        except InputError as error:
            st.error(sentence(error), icon=":material/error:")
        else:
            if not training_begun():
                remembered: dict[str, list[Point]] = st.session_state.setdefault(POINTS, {})
                remembered.pop(_key(config), None)
                remembered[_key(config)] = points
                for oldest in list(remembered)[:-MAX_CURVES]:
                    del remembered[oldest]
        bar.empty()
        chart.empty()


def _next_point(search: Iterator[Point]) -> Point | None:
    """None at the end of the search. Raises InputError, also for a step that can not be computed here."""
    with faults_as_input_errors():
        return next(search, None)


def _show(config: RunConfig, n_networks: int, place: DeltaGenerator, unfold: str) -> None:
    """The remembered curve of these settings, the suggestion in words, and the button that takes it over."""
    from core.engine.lr_finder import NOTHING_FOUND, lr_text, suggest

    points: list[Point] | None = st.session_state.get(POINTS, {}).get(_key(config))
    if points is None:
        return
    with place:
        suggestion = suggest(points)
        _draw(points, suggestion.lr if suggestion else None, st.empty(), key="finder_curve")
        st.markdown(sentence(suggestion.sentence if suggestion else NOTHING_FOUND))
        if suggestion is None:
            return
        if suggestion.lr == config.training.lr:
            st.caption("The form has this learning rate.")
        elif st.button(
            f"Use {lr_text(suggestion.lr)}",
            icon=":material/check:",
            key="finder_use",
            on_click=_use,
            args=(suggestion.lr, unfold),
        ):
            st.rerun()  # the whole page: the form stands outside of this fragment
        if n_networks > 1:
            st.caption(
                f"The {n_networks} networks of the form share one learning rate. This one was found with "
                f"{models.title(config.architecture)}; for another network, another one may be better."
            )


def _use(lr: float, unfold: str) -> None:
    fill(TrainingConfig, link.TRAINING, {"lr": lr})
    st.session_state[unfold] = True


def _draw(points: Sequence[Point], suggested: float | None, place: DeltaGenerator, key: str | None = None) -> None:
    """``key`` for the curve that stays: the last one of the search can be the same chart, and is still in this script."""
    from core.charts.finder import describe_finder, finder_chart
    from core.charts.theme import CONFIG

    frame = pd.DataFrame(
        [(point.lr, point.loss, point.smoothed) for point in points], columns=["lr", "loss", "smoothed"]
    )
    alt = describe_finder(frame, suggested)
    place.plotly_chart(inked(finder_chart(frame, suggested)), key=key, alt=alt, config=dict(CONFIG))


def _key(config: RunConfig) -> str:
    """Equal for configs whose search gives the same curve: it stands until something that matters is changed."""
    from core.engine.lr_finder import IGNORED_SETTINGS

    return config.model_dump_json(exclude={"training": set(IGNORED_SETTINGS)})


def _now_and_then(check: Callable[[], bool]) -> Callable[[], bool]:
    """``check``, asked a few times a second however often this is, and never again once it has said yes."""
    has_happened, at = False, -CHECK_SECONDS

    def checked() -> bool:
        nonlocal has_happened, at
        if not has_happened and time.monotonic() - at >= CHECK_SECONDS:
            has_happened, at = check(), time.monotonic()
        return has_happened

    return checked
