"""After training: damage is measured in the background on validation images, kept, and shown amount by amount."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.data import load
from core.inspect import damage
from core.inspect.damage import DAMAGES
from core.runs import snapshots
from core.runs.rows import Run
from pages.lab.robustness.damage_reading import members_of
from tests.pages.conftest import Train, words

START, STOP = "robustness_damage_start", "robustness_damage_stop"


def script(run_ids: list[str]) -> None:
    from pages.lab.robustness.after_training import show
    from pages.shared.services import store

    show([store().run(run_id) for run_id in run_ids])


def visit(*runs: Run, **state: object) -> AppTest:
    at = AppTest.from_function(script, args=([run.run_id for run in runs],), default_timeout=60)
    for key, value in state.items():
        at.session_state[key] = value
    at.run()
    assert not at.exception, at.exception
    return at


def until(at: AppTest, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, words(at)
        time.sleep(0.02)
        at.run()
        assert not at.exception, at.exception


def keys(at: AppTest) -> set[str | None]:
    return {button.key for button in at.button}


def at_amount(at: AppTest) -> dict[str, list[str]]:
    """The table of the amount that the slider stands at: run -> its cells."""
    table = at.table[0].value
    return {str(name): [str(cell) for cell in row] for name, row in zip(table.index, table.to_numpy(), strict=True)}


def test_damage_is_measured_kept_and_shown_at_one_amount(train: Train) -> None:
    softmax, mlp = train("softmax", name="Templates"), train("mlp", epochs=4, widths="24")
    at = visit(softmax, mlp)
    assert START in keys(at)
    assert not at.get("plotly_chart"), "nothing is measured unasked"
    at.button(key=START).click().run()
    until(at, lambda: START not in keys(at) and STOP not in keys(at))
    assert len(at.get("plotly_chart")) == 2
    sentences = words(at)
    n_val = mlp.started["n_val"]
    assert f"reads its {n_val:,} validation images" in sentences
    assert "MLP loses" in sentences.replace("**", "")
    assert f"against itself undamaged, on the same {n_val:,} images" in sentences
    assert "no longer reads" in sentences
    assert {menu.key for menu in at.selectbox} == {"robustness_damage_network"}

    slider = at.select_slider(key="robustness_amount_prune")
    at = slider.set_value(0.0).run()
    cells = at_amount(at)
    assert list(cells) == ["Templates", "MLP"]
    for run, (read, against, left, hit) in zip((softmax, mlp), cells.values(), strict=True):
        assert read == f"{100 * run.summary['val_acc']:.2f} % of {n_val:,}", "undamaged, it is the run's own figure"
        assert against == "undamaged"
        whole, of = left.split(" of ")
        assert whole == of
        assert hit.startswith("0 of ")
    assert cells["Templates"][2:] == ["31,400 of 31,400", "0 of 7,840 weights"]

    st.cache_resource.clear()  # another server on the same store
    again = visit(softmax, mlp, robustness_amount_prune=0.9)
    assert START not in keys(again)
    assert at_amount(again)["Templates"][2:] == ["4,156 of 31,400", "7,056 of 7,840 weights"]
    units = again.segmented_control[0].set_value("units_off").run()
    assert START in keys(units), "of another damage nothing is known yet"
    units.button(key=START).click().run()
    until(units, lambda: START not in keys(units) and STOP not in keys(units))
    assert "Templates has no hidden units" in words(units).replace("**", "")
    assert at_amount(units)["Templates"][-1] == "it has no hidden units"
    other = units.number_input(key="robustness_damage_draw").set_value(1).run()
    assert START in keys(other), "another draw is another measurement"


def test_what_is_stopped_keeps_its_points_and_goes_on_later(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    run, event, measure, calls = train("softmax"), threading.Event(), damage.measure, count()

    def slow(*args: Any) -> Iterator[damage.Measured]:
        if next(calls) >= 2:
            event.wait(20)
        yield from measure(*args)

    monkeypatch.setattr(damage, "measure", slow)
    at = visit(run, robustness_damage="bits")
    at.button(key=START).click().run()
    until(at, lambda: "Point 3 of 8" in "".join(bar.proto.text for bar in at.get("progress")))
    assert len(at.get("plotly_chart")) == 2, "what has been measured is drawn already"
    at.button(key=STOP).click()
    event.set()
    at.run()
    until(at, lambda: START in keys(at))
    assert next(button.label for button in at.button if button.key == START) == "Measure the rest"
    at.button(key=START).click().run()
    until(at, lambda: START not in keys(at) and STOP not in keys(at))
    rows = at.get("plotly_chart")[0].proto.spec
    assert all(f'"{bits:g}"' in rows for bits in DAMAGES["bits"].amounts)


def test_what_can_not_be_measured_is_said_in_a_sentence(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    unjudged, run = train("softmax", name="All seen", val_fraction=0), train("mlp", epochs=1, widths="8")
    at = visit(unjudged)
    assert "All seen held no images out" in words(at)
    assert not at.button

    def broken(*_: object) -> Iterator[damage.Measured]:
        raise RuntimeError("no kernel for this")
        yield

    monkeypatch.setattr(damage, "measure", broken)
    at = visit(run)
    at.button(key=START).click().run()
    until(at, lambda: bool(at.error))
    assert "no kernel for this" in words(at)
    assert START in keys(at)


def test_some_of_the_images_are_taken_from_everywhere(train: Train) -> None:
    run = train("softmax", epochs=1, val_fraction=0.5)
    images, labels = snapshots.validation_images(run, load("digits"))
    n = len(labels)
    (some,) = members_of([run], 10)
    np.testing.assert_array_equal(some.images[:3], images[[0, n // 10, 2 * n // 10]])
    np.testing.assert_array_equal(some.labels[-1], labels[9 * n // 10])
    assert (len(some.labels), some.n_val) == (10, n)
    (every,) = members_of([run], 10_000)
    np.testing.assert_array_equal(every.images, images)
    assert some.conditions["images"] != every.conditions["images"]
