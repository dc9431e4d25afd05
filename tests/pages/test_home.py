"""Home: it opens at once, and its one button starts the first experiment."""

from __future__ import annotations

import subprocess
import sys

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import RunError
from pages.shared import services
from tests.pages.conftest import APP, OpenPage, Train

PAGES = ["learn/home", "learn/data", "lab/train", "lab/mistakes", "lab/draw"]


def test_empty_home_says_what_to_try_first(open_page: OpenPage) -> None:
    at = open_page()
    assert at.title[0].value == "Digit Lab"
    assert at.button(key="first").label == "Start the first experiment"
    assert not any(button.proto.shortcut for button in at.button), "no key starts a training by surprise"
    assert "Nothing has been trained here yet." in [caption.value for caption in at.caption]


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
    assert f"my net: {100 * run.summary['test_acc']:.2f} % of 382 test images" in [text.value for text in at.text]


def test_home_does_not_wait_for_torch() -> None:
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; from pages.shared import services;"
        "services.warm_up = lambda: None; at = AppTest.from_file('streamlit_app.py', default_timeout=60).run();"
        "assert not at.exception, at.exception; sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize("page", PAGES)
def test_what_is_amiss_with_the_store_is_said_once_on_every_page_and_never_as_markup(
    open_page: OpenPage, page: str
) -> None:
    services.store().notice = "Training is not possible here: ![x](http://example.org/x.png)"
    warnings = [one.value for one in open_page(f"pages/{page}/page.py").warning]
    assert len([one for one in warnings if one.startswith("Training is not possible here")]) == 1
    assert not any("](http" in one for one in warnings)


def test_store_that_can_not_be_opened_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def newer() -> None:
        raise RunError("The runs were stored by a newer version.")

    monkeypatch.setattr(services, "store", newer)
    at = AppTest.from_file(str(APP), default_timeout=60).run()
    assert not at.exception
    assert at.error[0].value == "The runs were stored by a newer version."
