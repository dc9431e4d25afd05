"""A server that other machines reach says so, once to each visitor, unless that is meant."""

from __future__ import annotations

import asyncio
import logging

import pytest

from pages.shared import reach, services
from tests.pages.conftest import OpenPage

PART = "Other machines can reach this server"


def bound_to(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = reach.st.get_option
    monkeypatch.setattr(reach.st, "get_option", lambda name: address if name == "server.address" else ask(name))


@pytest.mark.parametrize(
    ("address", "is_wide"),
    [("127.0.0.1", False), ("127.0.0.9", False), ("::1", False), ("localhost", False), ("unix:///run/lab.sock", False),
     ("0.0.0.0", True), ("", True), (None, True), ("::", True), ("192.168.1.7", True), ("lab.school", True)],
)  # fmt: skip
def test_only_this_machine_is_told_from_all_others(
    address: str | None, is_wide: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound_to(address, monkeypatch)
    assert reach.reach_warning().startswith(PART) == is_wide
    monkeypatch.setenv("DIGIT_LAB_SHARED", "1")
    assert not reach.reach_warning()


def test_each_visitor_is_told_once_and_the_log_at_the_start(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bound_to("0.0.0.0", monkeypatch)

    async def begin() -> None:
        await anext(services.serving.__wrapped__(None))  # type: ignore[attr-defined]

    with caplog.at_level(logging.WARNING):
        asyncio.run(begin())
    assert PART in caplog.text
    at = open_page("pages/learn/words/page.py")
    assert [PART in warning.value for warning in at.warning] == [True]
    at.button(key="reach_understood").click().run()
    assert not at.warning
    at.switch_page("pages/learn/home/page.py").run()
    assert not at.warning
