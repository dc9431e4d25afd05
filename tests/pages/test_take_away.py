"""Taking a run along: the dialog makes the files and says what stands in the way."""

from __future__ import annotations

import time
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import RunError
from core.export import targets
from core.export.source import Exported, File, Source
from pages.shared import export_job
from tests.pages.conftest import OpenPage, Train, words


def dialog(run_id: str) -> None:
    """What the dialog shows: a dialog itself is closed by the test's next run of the page."""
    from pages.shared.take_away import choose_form

    choose_form(run_id)


def test_a_run_is_taken_along(open_page: OpenPage, train: Train) -> None:
    run = train("mlp", widths="8", epochs=1)
    at = open_page("pages/lab/mistakes/page.py", run=run.run_id)
    at.button(key=f"mistakes_take_{run.run_id}").click().run()
    assert "28,000 images of Kaggle’s test.csv" in words(at)
    at = AppTest.from_function(dialog, args=(run.run_id,), default_timeout=60).run()
    assert at.button(key="take_make").disabled, "there is no test.csv"
    at.selectbox(key="take_form").set_value("csv").run()
    at.button(key="take_make").click().run()
    assert not at.exception
    assert "382 answers to test images" in words(at)
    assert [button for button in at.get("download_button") if "Save csv" in str(button.proto)]
    at.selectbox(key="take_form").set_value("submission").run()
    assert not at.get("download_button"), "what was made is of another form"


def test_a_form_that_takes_long_is_made_beside_the_page(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    began, may_end = Event(), Event()

    def export(name: str, source: Source) -> Exported:
        assert source.on_step
        assert source.should_stop
        source.on_step("The first of two steps", 0.5)
        began.set()
        while not may_end.wait(0.02):
            if source.should_stop():
                raise RunError("stopped")
        return Exported((File("a.onnx", b"content", "x/y"),), "What is in it.")

    def until(state: str) -> None:
        deadline = time.monotonic() + 30
        while export_job.export_jobs().progress(export_job.export_key(run, "onnx")).state != state:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    monkeypatch.setattr(export_job, "export", export)
    run = train("mlp", widths="8", epochs=1)
    at = AppTest.from_function(dialog, args=(run.run_id,), default_timeout=60).run()
    monkeypatch.setattr(targets, "find_spec", lambda name: None)
    at.selectbox(key="take_form").set_value("onnx").run()
    assert "pip install onnx onnxscript onnxruntime" in words(at)
    assert not [button for button in at.button if button.label == "Make it"]
    monkeypatch.setattr(targets, "find_spec", lambda name: "there")
    at.run().button(key="take_make_apart").click().run()
    assert began.wait(30)
    at.run()
    assert "The first of two steps" in at.get("progress")[0].proto.text
    at.button(key="take_stop").click().run()
    until("stopped")
    may_end.set()
    at.run().button(key="take_make_apart").click().run()
    until("ended")
    at.run()
    assert not at.exception
    assert "What is in it." in words(at)
    assert "Save a.onnx" in str(at.get("download_button")[0].proto)
