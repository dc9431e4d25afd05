"""Taking a run along: the dialog makes the files and says what stands in the way."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

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
