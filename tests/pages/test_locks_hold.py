"""A lock holds in a part of a page that is drawn anew alone, and until the visitor leaves the link: after a start, and when the
page is opened anew by the address that it had then."""

from __future__ import annotations

from functools import partial

import pytest
from streamlit.testing.v1 import AppTest, local_script_runner

from core.config import run_config
from pages.shared import services
from tests.pages.conftest import OpenPage, Train, settle, words

TRAIN = "pages/lab/train/page.py"
SETTINGS = "change_settings"  # the key of what unfolds the form beside curves


def draw_parts_alone(at: AppTest, patch: pytest.MonkeyPatch) -> None:
    """What a message does that names all the parts which can be drawn without their page."""
    parts = list(at._fragment_storage._fragments)
    assert parts
    with patch.context() as inner:
        rerun = partial(local_script_runner.RerunData, fragment_id_queue=parts)
        inner.setattr(local_script_runner, "RerunData", rerun)
        at.run()
    assert not at.exception, at.exception


@pytest.mark.parametrize(
    ("page", "link", "lock", "key", "forged"),
    [
        ("robustness", {"view": "after_training", "damage": "noise"}, "damage", "robustness_damage", "prune"),
        ("robustness", {"view": "after_training", "damage": "noise", "draw": "7"}, "draw", "robustness_damage_draw", 3),
        ("robustness", {"distortion": "rotation"}, "distortion", "robustness_distortion", "shift"),
        ("mistakes", {"view": "sure", "threshold": "99.0"}, "threshold", "mistakes_threshold", 50.0),
        ("compare", {"view": "curves", "smoothing": "0.5"}, "smoothing", "overlay_smoothing", 0.2),
    ],
)  # fmt: skip
def test_a_part_that_is_drawn_alone_keeps_to_the_link(
    page: str, link: dict[str, str], lock: str, key: str, forged: object, open_page: OpenPage, train: Train,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run = train("softmax", epochs=1)
    at = open_page(f"pages/lab/{page}/page.py", run=run.run_id, **link, lock=lock)
    assert not at.warning, at.warning[0].value
    kept = at.session_state[key]
    assert kept != forged
    at.session_state[key] = forged
    draw_parts_alone(at, monkeypatch)
    assert at.session_state[key] == kept
    assert at.query_params[lock] == link[lock]


def test_what_is_locked_stays_locked_after_a_start_and_after_a_reload(open_page: OpenPage) -> None:
    link = {"architecture": "mlp", "widths": "16", "epochs": "1", "lr": "0.01", "n_train": "300"}
    at = open_page(TRAIN, **link, lock="architecture,widths,epochs,dataset", hide="lr")
    at.number_input(key="train_training_seed").set_value(5)
    at.button(key="train").click().run()
    settle(at)
    address = dict(at.query_params)
    for session in (at, open_page(TRAIN, **address)):
        assert "keeps these as they are: Networks, Dataset, Hidden layers, Epochs." in words(session).replace(
            "Networks, Hidden layers, Dataset", "Networks, Dataset, Hidden layers"
        )
        assert session.title[0].value == "Train"
        assert "Settings" not in {fold.label for fold in session.expander}, "the page stays about the run"
        session.session_state[SETTINGS] = True
        session.run()
        assert session.number_input(key="train_training_epochs").disabled
        assert "train_training_lr" not in {box.key for box in session.selectbox}
    # A browser that sends other values all the same.
    session.session_state["train_training_lr"], session.session_state["train_mlp_widths"] = "0.5", "64"
    session.button(key="train").click().run()
    settle(session)
    runs = sorted(services.store().runs(), key=lambda run: run.number)
    config = run_config("mlp", {"widths": "16", "epochs": 1, "lr": 0.01, "seed": 5, "n_train": 300})
    assert [run.run_config() for run in runs] == [config, config]
    assert dict(session.query_params) == {**address, "run": runs[1].run_id}


def test_a_link_to_a_run_locks_settings_at_those_of_the_run(open_page: OpenPage, train: Train) -> None:
    run, other = train("mlp", widths="8", lr=0.02), train("mlp", widths="32", lr=0.03)
    at = open_page(TRAIN, run=run.run_id, lock="lr,widths")
    assert "keeps these as they are:" in words(at)
    at.query_params["run"] = other.run_id  # the curves of another run say nothing about the link
    at = open_page(TRAIN, **dict(at.query_params))
    at.session_state[SETTINGS] = True
    at.run()
    assert at.text_input(key="train_mlp_widths").disabled
    at.session_state["train_mlp_widths"], at.session_state["train_training_lr"] = "64", 0.3
    at.number_input(key="train_training_epochs").set_value(1)
    at.button(key="train").click().run()
    settle(at)
    newest = max(services.store().runs(), key=lambda run: run.number).run_config().flat()
    assert (newest["widths"], newest["lr"], newest["epochs"]) == ((8,), 0.02, 1)


def test_what_is_locked_stays_in_the_address_when_the_page_is_left_and_opened_by_the_menu(
    open_page: OpenPage, train: Train
) -> None:
    run = train("softmax")
    link = {"architecture": "softmax", "epochs": "1", "lock": "epochs"}
    at = open_page(TRAIN, **link)
    at.query_params.clear()
    at.query_params["run"] = run.run_id  # a link of another page to a run
    at.run()
    assert dict(at.query_params).items() >= {**link, "run": run.run_id}.items()
    at.multiselect(key="live").set_value([]).run()
    at.run()
    assert "Choose one or more networks" in words(at)
    assert dict(at.query_params).items() >= link.items()


def test_a_race_s_link_holds_after_a_reload_beside_the_race_that_it_started(open_page: OpenPage) -> None:
    page = "pages/lab/race/page.py"
    link = {"architecture": "softmax,mlp", "mlp.widths": "8", "n_train": "100", "epochs": "1", "seeds": "1"}
    at = open_page(page, **link, lock="epochs,seeds", hide="widths")
    at.button(key="race_start").click().run()
    settle(at)
    at = open_page(page, **dict(at.query_params))
    at.session_state["race_training_epochs"], at.session_state["race_mlp_widths"] = 9, "64"
    at.run()
    assert at.number_input(key="race_training_epochs").disabled
    at.button(key="race_start").click().run()
    settle(at)
    configs = [run.run_config().flat() for run in services.store().runs() if run.architecture == "mlp"]
    assert [(config["epochs"], config["widths"]) for config in configs] == [(1, (8,))] * 2
