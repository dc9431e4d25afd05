"""A store that is locked or full is busy, on whole pages and in their fragments, and what was there comes back by itself."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st

from core.runs.schema import StorageError
from core.runs.store import Store
from pages.shared import busy, services
from tests.pages.conftest import OpenPage, Train

LOCKED = "another program kept the runs locked"


def locked(*_: object, **__: object) -> Any:
    raise StorageError(f"storage problem: {LOCKED} for more than 5 seconds.")


@pytest.mark.parametrize(
    ("page", "read", "kept"),
    [("pages/lab/train/page.py", "pages.lab.train.live.current", "Change the settings and train again"),
     ("pages/lab/compare/page.py", "pages.lab.compare.overlay.current", "compare_runs")],
)  # fmt: skip
def test_a_fragment_says_busy_and_the_rest_of_its_page_stands(
    page: str, read: str, kept: str, open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(name="mine")
    with monkeypatch.context() as patch:
        patch.setattr(read, locked)
        at = open_page(page, run=run.run_id)
        (fault,) = at.error
        assert fault.value.startswith("This part of the page can not be shown just now, but nothing is lost.")
        assert LOCKED in fault.value
        assert kept in [part.label for part in at.expander] + [part.key for part in at.multiselect], "what follows it"
    at.run()
    assert not at.exception
    assert not at.error


def test_a_busy_page_is_neither_a_missing_run_nor_the_end(open_page: OpenPage, train: Train) -> None:
    run = train(name="mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "run", locked)
        at = open_page("pages/lab/draw/page.py", run=run.run_id)
        assert [LOCKED in error.value for error in at.error] == [True]
        assert not at.warning, "the run of the link is not away"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "runs", locked)
        at.run()
        assert [error.value.split(" can not")[0] for error in at.error] == ["This page"]
    at.run()
    assert not at.error


def test_answers_that_can_not_be_read_now_are_read_later(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "evaluation", locked)
        at = open_page("pages/lab/mistakes/page.py", run=run.run_id)
        assert [error.value.split(" can not")[0] for error in at.error] == ["This page"], "and it is tried again"
    at.run()
    assert not at.error
    assert at.metric


def test_it_is_tried_again_until_the_store_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[bool] = []
    monkeypatch.setattr(st, "rerun", lambda: drawn.append(True))
    try_again = busy._try_again.__wrapped__
    services.store()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "runs", locked)
        try_again(float("-inf"))
    assert not drawn
    try_again(float("inf"))
    assert not drawn, "the fault was met this moment"
    try_again(float("-inf"))
    assert drawn == [True]
