"""How the layers of a run are doing, on the Train page: only where somebody looks, and never so often that it disturbs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import data
from core.config import run_config
from core.engine.events import Checkpoint
from core.engine.train import train as training
from pages.lab.train import layer_health
from pages.shared.services import store
from tests.pages.conftest import OpenPage, Train, words

PAGE = "pages/lab/train/page.py"


def paused(until_epoch: int, manifest: dict[str, object] | None = None) -> str:
    """A run that was paused after so many epochs, with a checkpoint at each; returns its id."""
    config = run_config("mlp", {"dataset": "digits", "n_train": 300, "epochs": 5, "batch_size": 32, "widths": "16 8"})
    run_id = store().create(config, request="pause")
    store().claim("somebody", run_id)
    for event in training(config, data.load("digits"), checkpoint_every=0):
        store().commit(run_id, [event], manifest=manifest)
        if isinstance(event, Checkpoint) and event.epoch == until_epoch:
            break
    store().request(run_id, "pause")
    store().release(run_id, "somebody")
    return run_id


def test_layers_are_looked_at_where_somebody_asks_and_seldom(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    new_look = layer_health._new_look
    monkeypatch.setattr(layer_health, "_new_look", lambda run: looks.append(run.run_id) or new_look(run))
    waits = store().create(run_config("mlp", {"dataset": "digits"}), request="pause")
    others_images = paused(1, {"dataset_hashes": {"images": "others"}})
    goes_on, ended = paused(3), train("softmax", n_train=100, epochs=1).run_id
    run_ids = [waits, others_images, goes_on, ended]
    at = open_page(PAGE, run=",".join(run_ids))
    assert looks == [], "nothing is computed while it is folded"
    assert [folded.label for folded in at.expander].count("How its layers are doing") == 4
    for run_id in run_ids:
        at.session_state[f"live_layers_{run_id}"] = True
    at.run()
    assert not at.exception, at.exception
    assert sorted(looks) == sorted(run_ids)
    assert "Its first weights are kept after its first epoch" in words(at)
    assert "are not those that this run began with" in words(at)
    assert "the first 300 of its training images" in words(at)
    assert "in the 10 steps since epoch 2" in words(at)
    ended_table, paused_table = sorted((table.value for table in at.table if "Silent" in table.value), key=len)
    assert [text.split(" of length ")[0] for text in paused_table["Layer"]] == [
        "1: dense, ReLU, 12,560 parameters", "2: dense, ReLU, 136 parameters", "3: dense, 90 parameters",
    ]  # fmt: skip
    assert all(float(text.split()[-1]) > 0 for text in [*paused_table["Layer"], *paused_table["Gradient"]])
    assert [text.split(" of ")[-1] for text in paused_table["Silent"]] == ["16", "8", "no ReLU"]
    assert all(0 < float(text.removesuffix(" %")) < 100 for text in paused_table["Update"])
    assert "Update" not in ended_table, "nothing is known of it"
    assert "of a run that has ended, the weights before the last are not kept" in words(at)
    assert len([chart for chart in at.get("plotly_chart") if "Length of the gradient" in chart.proto.alt]) == 2

    run, n_looks = store().run(goes_on), len(looks)
    first, _ = layer_health._look(run)
    later = replace(run, checkpoint_epoch=4)
    still, wait_seconds = layer_health._look(later)
    assert still is first, "a moment after the last look"
    assert wait_seconds > 0
    place = layer_health.shelf().get(("layer health", goes_on), None, layer_health._Place, lambda _: 0)
    place.next_at = 0.0
    assert layer_health._look(run) == (first, 0.0), "nothing new to look at"
    assert len(looks) == n_looks
    monkeypatch.setattr(layer_health, "MAX_SHARE_OF_TIME", 1e-6)
    newer, wait_seconds = layer_health._look(later)
    assert newer is not first
    assert (newer, 0.0) == layer_health._look(later)
    assert len(looks) == n_looks + 1
    assert layer_health._look(run)[1] > 60, "what takes long is done seldom"
