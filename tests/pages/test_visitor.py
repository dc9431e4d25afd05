"""Whose a run is: a cookie of this site, and what is said to a visitor who has asked for enough."""

from __future__ import annotations

import asyncio
import re
import runpy

import pytest
import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import Message
from streamlit.testing.v1 import AppTest

from core.config import run_config
from core.runs.groups import groups
from pages.shared import services
from pages.shared.visitor import COOKIE, VisitorCookie
from tests.pages.conftest import APP, OpenPage, words

HTML = "text/html,application/xhtml+xml"


def sent(accept: str = HTML, cookie: str = "", method: str = "GET", scheme: str = "http") -> Headers:
    """The headers of an answer that has gone through what every answer goes through."""
    asked = [(b"accept", accept.encode()), (b"cookie", cookie.encode("latin-1"))]
    scope = {
        "type": "http",
        "method": method,
        "path": "/train",
        "headers": asked,
        "scheme": scheme,
        "query_string": b"",
    }
    messages = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    page = HTMLResponse("a page", headers={"Cache-Control": "no-cache"})
    asyncio.run(VisitorCookie(page)(scope, receive, send))
    return Headers(scope=messages[0])


def test_the_first_page_brings_a_cookie_and_no_other_answer_does() -> None:
    first = sent()
    shape = rf"({COOKIE}=[0-9a-f]{{32}}); Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
    cookie = re.fullmatch(shape, first["set-cookie"])
    assert cookie
    assert first["cache-control"] == "private, no-cache", "nobody between may give it to another"
    assert sent()["set-cookie"] != first["set-cookie"]
    for answer in (sent(cookie=f"other=1; {cookie[1]}"), sent(accept="*/*"), sent(method="POST")):
        assert "set-cookie" not in answer
        assert answer["cache-control"] == "no-cache"
    assert sent(scheme="https")["set-cookie"].endswith("; SameSite=Lax; Secure")


@pytest.mark.parametrize(
    "content", ["", "x" * 32, "0" * 31, "0" * 33, "../../runs", "<b>" + "0" * 29, "0" * 32 + "%0A"]
)
def test_a_cookie_that_is_none_of_ours_is_replaced(content: str) -> None:
    assert re.match(rf"{COOKIE}=[0-9a-f]{{32}};", sent(cookie=f"{COOKIE}={content}")["set-cookie"])


class _Idle:
    """A worker that takes nothing out of the queue."""

    def wake(self) -> None:
        """Nobody sleeps."""


def test_two_visitors_are_two_owners_and_whoever_has_enough_waiting_is_told_so(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, cookies = services.store(), {COOKIE: "a" * 32}
    monkeypatch.setattr(type(st.context), "cookies", property(lambda context: cookies))
    monkeypatch.setattr(services, "worker", _Idle)
    monkeypatch.setenv("DIGIT_LAB_MAX_QUEUED", "3")
    open_page().button(key="first").click().run()
    cookies[COOKIE] = "<b>no number of ours"
    at = open_page()
    at.button(key="first").click().run()
    owners = {run.owner for run in store.runs()}
    assert len(store.runs()) == 4
    assert len(owners) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", owner) for owner in owners)
    assert "a" * 32 not in owners, "who reads the store could pose as that visitor"

    sentence = (
        "You have 2 runs waiting or paused, and with 2 more it would be more than the 3 that each visitor may have. "
        "Let some begin or take some out of the queue first."
    )
    at.switch_page("pages/learn/home/page.py").run()
    del at.session_state["launched"]  # long after the first click
    at.button(key="first").click().run()
    assert sentence in words(at)
    at.switch_page("pages/lab/train/page.py")
    at.query_params.update({"architecture": "mlp,softmax", "epochs": "7"})
    at.run()
    at.button(key="train").click().run()
    assert sentence in words(at)
    assert at.number_input(key="train_training_epochs").value == 7
    at.session_state["race_data_n_train"] = 100
    at.switch_page("pages/lab/race/page.py").run()
    at.slider(key="race_seeds").set_value(1)
    at.text_input(key="race_name").set_value("mine").run()
    at.button(key="race_start").click().run()
    assert sentence in words(at)
    assert at.text_input(key="race_name").value == "mine"
    assert not at.exception
    assert len(store.runs()) == 4
    assert not groups(store)


def test_a_server_with_a_limit_that_is_none_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_MAX_QUEUED", "-4")
    with pytest.raises(SystemExit, match=r"DIGIT_LAB_MAX_QUEUED\) is '-4', allowed is whole number, 0 to"):
        runpy.run_path(str(APP), run_name="server")


def undo_script() -> None:
    """A page with nothing but the way back from a deletion."""
    from pages.shared.run_actions import undo

    undo("list")


def test_what_can_not_come_back_for_want_of_room_stays_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    store, config = services.store(), run_config("softmax", {})
    first, second, third = (store.create(config, owner="a" * 32, request="pause") for _ in range(3))
    for run_id in (first, second):
        store.delete(run_id)
    monkeypatch.setenv("DIGIT_LAB_MAX_STORED", "2")
    at = AppTest.from_function(undo_script)
    at.session_state["list_deleted"] = [first, second]
    at.run()
    at.button(key="list_undo").click().run()
    assert "You have 2 runs stored, and with 1 more it would be more than the 2" in words(at)
    assert {run.run_id for run in store.runs()} == {first, third}
    store.delete(third)
    at.button(key="list_undo").click().run()
    assert {run.run_id for run in store.runs()} == {first, second}
    assert "Undo" not in [button.label for button in at.button]
