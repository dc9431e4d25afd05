"""Challenges on the page for teachers: one is made, its board fills in the background, and only its maker deletes it."""

from __future__ import annotations

import time

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.config import run_config
from core.runs import challenges
from core.runs.challenges import Challenge, Terms
from pages.shared import services
from pages.shared.visitor import COOKIE
from tests.pages.conftest import OpenPage, settle, words

PAGE = "pages/learn/teachers/page.py"
ANA = "a" * 32


@pytest.fixture(autouse=True)
def cookies(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Those of the visitor; another one has others."""
    kept = {COOKIE: "c" * 32}
    monkeypatch.setattr(type(st.context), "cookies", property(lambda context: kept))
    return kept


def made_here() -> Challenge:
    (challenge,) = challenges.challenges(services.store())
    return challenge


def run_of_pupil(challenge: Challenge, owner: str, name: str = "", **values: object) -> str:
    store = services.store()
    run_id = store.create(run_config("softmax", challenge.config.flat() | values), owner=owner)
    challenges.enter(store, owner, challenge.challenge_id, [run_id], name)
    return run_id


def judged(at: AppTest) -> None:
    """Draw the page until all networks have read the images."""
    deadline = time.monotonic() + 30
    while "images that were set aside …" in words(at.run()):
        assert time.monotonic() < deadline, words(at)
        time.sleep(0.05)
    assert not at.exception, at.exception


def test_a_challenge_is_made_from_an_address_and_its_board_fills(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    assert at.button(key="challenge_make").label == "Make the challenge"
    at.session_state["challenge_settings"] = True
    at.run()
    at.text_input(key="challenge_address").set_value("http://[x").run()
    assert "This is no address: 'http://[x'." in words(at)
    address = "http://lab/train?architecture=softmax,mlp&n_train=300&epochs=25&sparkle=1"
    at.text_input(key="challenge_address").set_value(address).run()
    assert "not here: 'sparkle'" in words(at)
    assert "beyond the budget" in words(at)
    assert at.button(key="challenge_make").disabled
    at.number_input(key="challenge_training_epochs").set_value(1).run()
    assert "Softmax regression with 7,850 parameters learns from 300 images of" in words(at)
    n = round(0.2 * len(services.dataset("digits").train_labels))
    assert f"20 % of all training images are set aside, {n:,} images" in words(at)
    at.button(key="challenge_make").click().run()
    assert "needs a title" in words(at)
    at.text_input(key="challenge_title").set_value("Two *points*")
    at.text_input(key="teachers_class").set_value("8b")
    at.number_input(key="challenge_terms_max_epochs").set_value(3)
    at.button(key="challenge_make").click().run()
    challenge = made_here()
    assert (challenge.title, challenge.class_code, challenge.terms) == ("Two *points*", "8b", Terms(max_epochs=3))
    assert challenge.config == run_config("softmax", {"n_train": 300, "epochs": 1, "set_aside": 0.2})
    assert (at.query_params["challenge"], at.query_params["class"]) == (challenge.challenge_id, "8b")
    assert at.code[0].value.endswith(f"/train?challenge={challenge.challenge_id}")
    assert "Nobody takes part yet." in words(at)

    run_of_pupil(challenge, ANA, "=Ana", epochs=3, lr=0.01)
    services.worker().wake()
    settle(at)
    judged(at)
    shown = words(at)
    assert "1 pupil, 1 network." in shown
    assert f"of {n:,} images that were set aside" in shown
    (row,) = at.dataframe[0].value.to_dict("records")
    assert list(row) == ["pupil", "gain (points)", "goal", "right (%)", "95 % interval"]
    assert "further to the right" not in shown
    at.toggle(key=f"challenge_table_{challenge.number}_all_columns").set_value(True).run()
    assert "all columns from “gain from” on stand further to the right" in words(at)
    (row,) = at.dataframe[0].value.to_dict("records")
    assert (row["pupil"], row["images"], row["first place"], row["parameters"]) == ("=Ana", n, "leads", 7_850)
    assert row["gain from"] < row["gain (points)"] < row["gain to"]
    assert "The one pupil has" in shown
    assert "the goal of 2 points." in shown
    assert [button.proto.label for button in at.get("download_button")] == ["Save as CSV"]


def test_a_board_says_who_can_not_be_compared_and_a_challenge_is_deleted_by_its_maker(
    open_page: OpenPage, cookies: dict[str, str]
) -> None:
    from pages.shared.visitor import owner

    store = services.store()
    config = run_config("softmax", {"n_train": 300, "epochs": 1})
    first = challenges.get(store, challenges.make(store, owner(), "First", "", config, Terms()))
    for name in "ab":
        run_of_pupil(first, name * 32)
    challenges.make(store, owner(), "Second", "8b", config, Terms(is_network_free=True, max_n_params=9_000))
    store.delete(first.base_run_id)
    at = open_page(PAGE, challenge=first.challenge_id)
    assert at.selectbox(key="teachers_challenge").value == first.challenge_id
    assert "2 pupils, 2 networks: 0 count, 2 wait or learn." in words(at)
    assert "The base run was deleted, so nobody can be compared with it." in words(at)
    at.button(key="challenge_delete").click().run()
    assert "Deleted “First”." in words(at)
    assert "any network with at most 20 epochs and 9,000 parameters" in words(at)
    at.button(key="challenge_undo").click().run()
    assert len(challenges.challenges(store)) == 2
    cookies[COOKIE] = "d" * 32
    at = open_page(PAGE, challenge="0" * 32)
    assert "not there any more" in words(at)
    assert "can be deleted only there" in words(at)
    assert not [button for button in at.button if button.key == "challenge_delete"]


def test_a_locked_link_is_put_together_from_an_address(open_page: OpenPage) -> None:
    at = open_page(PAGE, view="links")
    assert at.code[0].value.endswith("/train")
    at.text_input(key="links_address").set_value("http://lab/train?architecture=mlp,cnn&mlp.widths=16&epochs=2").run()
    assert "Networks in it: Multilayer perceptron (MLP), Convolutional network (CNN)." in words(at)
    at.multiselect(key="links_lock_mlp_cnn").set_value(["architecture", "epochs"])
    at.multiselect(key="links_hide_mlp_cnn").set_value(["lr"]).run()
    query = "architecture=mlp,cnn&mlp.widths=16&epochs=2&lock=architecture,epochs&hide=lr"
    assert at.code[0].value.endswith(f"/train?{query}")
    at.text_input(key="links_address").set_value("http://[x*").run()
    assert "This is no address: 'http://[x*'." in words(at)
    at.text_input(key="links_address").set_value("train?architecture=*x*").run()
    assert "not here: '*x*'" in words(at)
    assert not at.code
    at.text_input(key="links_address").set_value("http://lab/inside?view=why&method=gradient&colour=red").run()
    assert at.selectbox(key="links_page").value == "inside", "the address says of which page it is"
    assert "Inside does not read: 'colour'" in words(at)
    at.multiselect(key="links_lock_inside").set_value(["view"]).run()
    assert at.code[0].value.endswith("/inside?view=why&method=gradient&lock=view")
    at.text_input(key="links_address").set_value("http://lab/race?architecture=mlp&vary=widths=16;64").run()
    at.multiselect(key="links_hide_race_mlp").set_value(["vary", "epochs"]).run()
    assert at.code[0].value.endswith("/race?architecture=mlp&vary=widths=16;64&hide=vary,epochs")
