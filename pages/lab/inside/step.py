"""One step, slowly: a batch goes forward, the gradient comes back, the weights move, and the batch goes once more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from core.charts.signed import signed_text
from core.config import TrainingConfig
from core.data import DatasetName
from core.data.config import DataConfig
from core.data.dataset import Images
from core.data.label_noise import given_labels
from core.data.split import split as split_dataset
from core.errors import InputError
from core.fields import settings
from core.machine.faults import faults_as_input_errors
from core.runs.manifest import own_images
from core.runs.rows import Run
from pages.lab.inside.network import pick_network
from pages.shared.choices import follow, keep
from pages.shared.gallery import sheet
from pages.shared.glossary import explain
from pages.shared.locks import is_fixed
from pages.shared.markdown import escape_markdown, sentence
from pages.shared.missing_images import explain_missing_images, shipped_runs_with_images
from pages.shared.run_picker import has_result, percent, with_images
from pages.shared.services import dataset, predictor, store

if TYPE_CHECKING:
    from core.data.dataset import Labels
    from core.inspect.one_step import OneStep

BATCH = 8
OPTIMIZER = next(setting for setting in settings(TrainingConfig) if setting.name == "optimizer")
ADDED = [setting for setting in settings(TrainingConfig) if setting.name in ("label_smoothing", "l1")]  # to the loss
SMALL = 50_000  # weights; in a network of more, eight weights are few of those that move
TURN, MAX_TURNS = "inside_step_turn", 1_000


def show(runs: Sequence[Run], image: Images) -> None:
    """Draw one step of one of the networks. image: not looked at, a step learns from training images"""
    names = {run.run_id: run for run in runs}
    run_id = next(iter(names))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(runs) > 1:
            run_id = pick_network(names)
        st.button(
            "Other images", icon=":material/shuffle:", disabled=is_fixed("batch"),
            on_click=lambda: st.session_state.update({TURN: (st.session_state.get(TURN, 0) + 1) % MAX_TURNS}),
        )  # fmt: skip
    follow("batch", TURN, range(MAX_TURNS), 0)
    run, turn = names[run_id], st.session_state[TURN]
    keep("batch", turn, 0)
    if not with_images([run]):
        _without_images(run)
        return
    _offer_small(run)
    try:
        with faults_as_input_errors():
            images, labels = _batch(run, turn)
            step = _step(run.run_id, run.version, turn, run, images, labels)
    except InputError as error:
        st.error(sentence(error), icon=":material/error:")
        return
    training = run.run_config().training
    st.markdown(
        f"The finished network takes one more step of its training, with {OPTIMIZER.label(training.optimizer)} at learning "
        f"rate {training.lr:g} and {BATCH} of its training images. Nothing of it is kept."
    )
    st.markdown("**1. Forward.** Each image is read, and the loss says how surprised the network is by the label.")
    answers = step.probs.argmax(1)
    captions = [f"a {truth}, read as\u00a0{read}\nloss {max(0.0, loss):.4f}"
                for truth, read, loss in zip(labels, answers, step.losses, strict=True)]  # fmt: skip
    sheet(images, columns=4, captions=captions, alt=f"The {BATCH} images: {'; '.join(captions)}".replace("\n", ", "))
    sure = percent(float(step.probs[np.arange(BATCH), labels].mean()))
    st.markdown(f"On average it gives the true digit {sure}. {_batch_loss(step, training)}")
    st.markdown(
        "**2. Back.** For each weight, the gradient says how the loss would change if the weight grew. All of them together "
        f"have length {step.gradient_norm:.4g}. The weights with the largest gradients:"
    )
    st.table(
        pd.DataFrame(
            [(f"{weight.name} {list(weight.index)}", *map(signed_text, (weight.gradient, weight.before, weight.after)))
             for weight in step.weights],
            columns=["Weight", "Gradient", "Before", "After"],
        ).set_index("Weight")
    )  # fmt: skip
    st.markdown("**3. Update.** Each weight moves against its gradient, as far as optimizer and learning rate say.")
    change = step.loss_after - step.loss
    came = "fell" if change < 0 else "rose" if change > 0 else "stayed"
    st.markdown(
        f"**4. The same batch once more.** Were the loss a plane, it would change by {signed_text(step.expected_change)}. It "
        f"{came}: from {step.loss:.5f} to **{step.loss_after:.5f}** nats, a change of {signed_text(change)}."
        f"{_why_it_rose(training) if step.expected_change < 0 < change else ''}"
    )
    st.caption(
        "Dropout is off, and norms use their running averages. The optimizer has no memory of earlier steps here, so its "
        "step can differ from the next one that the training would have taken."
    )
    explain("batch", "loss", "nats", "gradient", "learning rate", "optimizer", "step")


def _without_images(run: Run) -> None:
    """Say why there is no step to see, and lead to one that there is."""
    name: DatasetName = run.config["data"]["dataset"]
    with_step = [other for other in with_images(store().runs()) if has_result(other) and not other.patient]
    if with_step:
        st.info(
            f"A step learns from training images, and those of {escape_markdown(run.label)} are not here.",
            icon=":material/image_not_supported:",
        )  # fmt: skip
        other = min(with_step, key=lambda other: other.n_params or 0)
        st.page_link(
            "pages/lab/inside/page.py", icon=":material/arrow_forward:", query_params={"run": other.run_id, "view": "step"},
            label=f"One step of {escape_markdown(other.label)}, whose images are here",
        )  # fmt: skip
        return
    then = "one step of its training can be seen"
    explain_missing_images(escape_markdown(run.label), name, then, shipped=run.shipped)


def _offer_small(run: Run) -> None:
    """Beside a large network: the smallest one that came with the program and whose images are here, or one to train."""
    if (run.n_params or 0) <= SMALL:
        return
    small = [other for other in shipped_runs_with_images() if 0 < (other.n_params or 0) <= SMALL]
    if not small:
        st.page_link(
            "pages/lab/train/page.py", label="Train a small network, and look at its step", icon=":material/filter_1:",
            query_params={"architecture": "softmax", "dataset": "digits"},
        )  # fmt: skip
        return
    smallest = min(small, key=lambda other: other.n_params or 0)
    st.page_link(
        "pages/lab/inside/page.py", icon=":material/filter_1:", query_params={"run": smallest.run_id, "view": "step"},
        label=f"The same in a small network: {escape_markdown(smallest.label)}, {smallest.n_params:,} weights",
    )  # fmt: skip


def _why_it_rose(training: TrainingConfig) -> str:
    """Sentences behind the change of a loss that should have fallen, each after a space."""
    words = " The step was too long: the loss is like a plane only close by, and beyond that it goes up again."
    if training.schedule not in ("constant", "warm-up"):
        words += " The schedule of the training had made the learning rate smaller by its end."
    return words


def _batch_loss(step: OneStep, training: TrainingConfig) -> str:
    """The loss that the step makes smaller, and why it is not the mean of the images' own where something is added to them."""
    names = [
        f"{setting.title.lower() if setting.name != 'l1' else setting.title} ({getattr(training, setting.name):g})"
        for setting in ADDED
        if getattr(training, setting.name)
    ]
    if not names:
        return f"The loss of the batch, the mean of these losses, is **{step.loss:.5f}** nats."
    return (
        f"The mean of these losses is {float(step.losses.mean()):.5f} nats. With {' and '.join(names)}, which this network "
        f"learned with, the loss of the batch is **{step.loss:.5f}** nats: that is what the step makes smaller."
    )


def _batch(run: Run, turn: int) -> tuple[Images, Labels]:
    """Some of the images that the run learned from. Raises DataError when they are not here."""
    digits = own_images(run.manifest, dataset(run.config["data"]["dataset"]))
    config = DataConfig(**run.config["data"])
    learned = split_dataset(digits, config).train
    indices = learned[(turn * BATCH + np.arange(BATCH)) % len(learned)]
    return digits.train_images[indices], given_labels(digits, config)[indices]


@st.cache_resource(show_spinner=False, max_entries=64)
def _step(run_id: str, version: int, turn: int, _run: Run, _images: Images, _labels: Labels) -> OneStep:
    from core.engine.optimizers import build_optimizer
    from core.inspect.one_step import one_step

    network = predictor(_run)
    training = _run.run_config().training
    return one_step(network.module, _images, _labels, network.mean, network.std, training, build_optimizer)
