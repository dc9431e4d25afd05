"""How well each layer of a run can learn on, looked at when somebody asks: gradients, silent units, and what the coach says."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from core.analysis.coach import diagnose_layers
from core.charts.words import after_epoch
from core.data import present_names
from core.data.config import DataConfig
from core.data.label_noise import given_labels
from core.data.split import split as split_dataset
from core.errors import InputError
from core.machine.faults import faults_as_input_errors
from core.runs.manifest import own_images
from core.runs.reading import newest_weights
from core.runs.rows import Run
from core.runs.schema import StorageError
from pages.shared.busy import fragment
from pages.shared.chart_ink import inked
from pages.shared.glossary import explain
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.missing_images import explain_missing_images
from pages.shared.run_look import run_look
from pages.shared.services import dataset, get_ready, store
from pages.shared.shelf import shelf
from pages.shared.tables import save_button
from pages.shared.watch import watch_table

if TYPE_CHECKING:
    from core.inspect.diagnostics import Health, LayerHealth

# Between two looks at a run that trains, for all visitors together: at least a few seconds, and so many that the looks last for
# at most one percent of the time. So a training can not lose more by them, even if it stood still meanwhile.
MIN_SECONDS_BETWEEN_LOOKS = 5.0
MAX_SHARE_OF_TIME = 0.01
PLACE_BYTES = 20_000  # of what is kept of a look: at most a few dozen layers


@dataclass(frozen=True, slots=True)
class Look:
    """epoch: of the weights looked at · n_steps, before: updates since the checkpoint before it, and its epoch; None where
    there is none · seconds: that the look lasted"""

    health: Health
    epoch: float
    n_steps: int | None
    before: float | None
    seconds: float


@dataclass(eq=False, slots=True)
class _Place:
    """The newest look at one run; whoever takes one holds the lock, and the others wait for it.

    at: the checkpoint, and whether the run had ended · next_at: of the monotonic clock, when the next look may be taken
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    at: tuple[float | None, bool] | None = None
    next_at: float = 0.0
    look: Look | None = None


@fragment
def layer_health(run_id: str, key: str, live: bool) -> None:
    """A folded part, computed while it is open; live: a new look is taken when an epoch has ended"""
    place = st.expander("How its layers are doing", key=f"{key}_layers_{run_id}", on_change="rerun")
    if not place.open:
        return
    with place:
        run = store().run(run_id)
        if live and not run.has_ended:
            watch_table((run_id,), f"{key}_layers_epochs_{run_id}")
        try:
            look, wait_seconds = _look(run)
        except StorageError:  # busy is not gone
            raise
        except InputError as error:
            _explain(run, error)
            return
        if look is None:
            st.caption("Its first weights are kept after its first epoch. Then its layers can be looked at.")
        else:
            _show(run, look, key)
        if not run.has_ended:
            st.button(
                "Look again" if look else "Look now", icon=":material/visibility:", key=f"{key}_look_{run_id}",
            )  # fmt: skip
            if wait_seconds:
                st.caption(
                    f"There are newer weights. So that the training is not held up, they can be looked at in "
                    f"{math.ceil(wait_seconds)} s."
                )


def _explain(run: Run, error: InputError) -> None:
    """Why there is nothing to see."""
    name = run.config["data"]["dataset"]
    if run.shipped and name not in present_names():
        explain_missing_images("This network", name, "shows how its layers are doing")
    else:
        st.info(sentence(error), icon=":material/info:")


def _look(run: Run) -> tuple[Look | None, float]:
    """The newest look, None before the run's first checkpoint; and the seconds until newer weights may be looked at, 0 where
    there are none. Raises InputError where its weights or its images can not be read."""
    place = shelf().get(("layer health", run.run_id), None, _Place, lambda _: PLACE_BYTES)
    with place.lock:
        at, wait_seconds = (run.checkpoint_epoch, run.has_ended), place.next_at - time.monotonic()
        if place.look is not None and place.at == at:
            return place.look, 0.0
        if place.look is None or run.has_ended or wait_seconds <= 0:
            with st.spinner("Looking at its layers …"):
                place.look = _new_look(run)
            seconds = place.look.seconds if place.look else 0.0
            place.at = at
            place.next_at = time.monotonic() + max(MIN_SECONDS_BETWEEN_LOOKS, seconds / MAX_SHARE_OF_TIME)
            return place.look, 0.0
        return place.look, wait_seconds


def _new_look(run: Run) -> Look | None:
    began = time.perf_counter()
    read = newest_weights(store(), run.run_id)
    if read is None:
        return None
    newest, before = read
    get_ready()  # a fragment has a thread of its own
    from core.engine.evaluate import Predictor
    from core.inspect.diagnostics import IMAGES, health
    from core.machine.threads import give_way

    with faults_as_input_errors(), ThreadPoolExecutor(1, initializer=give_way) as aside:
        digits = own_images(run.manifest, dataset(run.config["data"]["dataset"]))
        config = DataConfig(**run.config["data"])
        parts = split_dataset(digits, config)
        network = Predictor(run.run_config(), newest.weights, parts.mean, parts.std)
        indices = parts.train[:IMAGES]
        images, labels = digits.train_images[indices], given_labels(digits, config)[indices]
        earlier = before.weights if before else None
        result = aside.submit(health, network.module, images, labels, network.mean, network.std, earlier).result()
    n_steps = newest.step - before.step if before and newest.step is not None and before.step is not None else None
    return Look(result, newest.epoch, n_steps, before.epoch if before else None, time.perf_counter() - began)


def _show(run: Run, look: Look, key: str) -> None:
    from core.charts.layers import describe_layer_gradients, layer_gradients
    from core.charts.theme import CONFIG

    layers, silences = look.health.layers, look.health.silences
    titles = {layer.name: f"layer {number} ({layer.kind})" for number, layer in enumerate(layers, start=1)}
    mixing = [layer for layer in layers if layer.has_matrix]
    advice = diagnose_layers(
        [titles[layer.name] for layer in mixing], np.array([layer.gradient_norm for layer in mixing]),
        [(titles.get(silence.behind, "the image"), silence.n_silent, silence.n_units) for silence in silences],
        look.health.n_images, run.config["training"].get("init", "default"),
    )  # fmt: skip
    if advice:
        st.warning(escape_markdown(advice), icon=":material/lightbulb:")
    st.caption(
        f"Its weights {after_epoch(look.epoch)}, and what they make of the first {look.health.n_images:,} of its training "
        f"images (loss {look.health.loss:.4f} nats, without dropout). {_ratio_words(run, look)}"
    )
    table = _table(look)
    st.table(_narrow(table), hide_index=True)
    save_button(lambda: table, f"layers_{run.run_id}")
    kinds, norms = [layer.kind for layer in layers], np.array([layer.gradient_norm for layer in layers])
    st.plotly_chart(
        inked(layer_gradients(kinds, norms, run_look(run).colour)), key=f"{key}_layers_chart_{run.run_id}",
        config=dict(CONFIG), alt=describe_layer_gradients(kinds, norms),
    )  # fmt: skip
    explain("layer", "gradient", "update ratio", "silent unit")


def _table(look: Look) -> pd.DataFrame:
    silent = {
        layer.name: ", ".join(f"{silence.n_silent} of {silence.n_units}" for silence in look.health.silences
                              if silence.behind == layer.name)
        for layer in look.health.layers
    }  # fmt: skip
    return pd.DataFrame(
        {
            "layer": [f"{number}: {layer.kind}" for number, layer in enumerate(look.health.layers, start=1)],
            "parameters": [layer.n_params for layer in look.health.layers],
            "length of gradient": [layer.gradient_norm for layer in look.health.layers],
            "length of weights": [layer.weight_norm for layer in look.health.layers],
            "update ratio (%)": _percentages(look.health.layers),
            "silent units": [silent[layer.name] or "no ReLU" for layer in look.health.layers],
        }
    )


def _narrow(table: pd.DataFrame) -> pd.DataFrame:
    """The same in texts that fit side by side into half a page or a phone; without a column of which nothing is known."""
    weights = zip(table["layer"], table["parameters"], table["length of weights"], strict=True)
    ratios = table["update ratio (%)"]
    return pd.DataFrame(
        {
            "Layer": [f"{layer}, {n:,} parameters of length {length:.3g}" for layer, n, length in weights],
            "Gradient": [f"{length:.3g}" for length in table["length of gradient"]],
        }
        | ({} if ratios.isna().all() else {"Update": ["not known" if pd.isna(r) else f"{r:.3g} %" for r in ratios]})
        | {"Silent": table["silent units"]}
    )


def _percentages(layers: Sequence[LayerHealth]) -> list[float | None]:
    return [None if layer.update_ratio is None else 100 * layer.update_ratio for layer in layers]


def _ratio_words(run: Run, look: Look) -> str:
    if look.before is not None:
        return f"Update ratio: how far they have moved in the {look.n_steps:,} steps since {_moment(look.before)}."
    if run.has_ended:
        return "The update ratio is not known: of a run that has ended, the weights before the last are not kept."
    return "The update ratio is not known before its second checkpoint, which comes after a later epoch."


def _moment(epoch: float) -> str:
    return "the start" if epoch == 0 else f"epoch {epoch:g}"
