"""Home: it opens at once, and its one button starts the first experiment."""

from __future__ import annotations

import subprocess
import sys

from pages.parts import services
from tests.pages.conftest import OpenPage, Train


def test_empty_home_says_what_to_try_first(open_page: OpenPage) -> None:
    at = open_page()
    assert at.title[0].value == "Digit Lab"
    assert at.button(key="first").label == "Start the first experiment"
    assert "Nothing has been trained yet." in [caption.value for caption in at.caption]


def test_first_experiment_queues_two_networks_and_shows_them_on_the_train_page(open_page: OpenPage) -> None:
    at = open_page()
    at.button(key="first").click().run()
    assert not at.exception
    assert at.title[0].value == "Train"
    assert sorted(run.architecture for run in services.store().runs()) == ["cnn", "mlp"]
    assert set(at.multiselect(key="live").value) == {run.run_id for run in services.store().runs()}


def test_home_tells_the_newest_result(open_page: OpenPage, train: Train) -> None:
    run = train(name="my net")
    at = open_page()
    assert f"my net: {100 * run.summary['test_acc']:.2f} % of 360 test images" in [text.value for text in at.text]


def test_home_does_not_wait_for_torch() -> None:
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; from pages.parts import services;"
        "services.warm_up = lambda: None; at = AppTest.from_file('streamlit_app.py', default_timeout=60).run();"
        "assert not at.exception, at.exception; sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
