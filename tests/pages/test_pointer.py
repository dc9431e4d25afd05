"""A link of a lesson leads to a page with a note, whose words are the lesson's and never the address's."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import OpenPage, Train, words
from tests.pages.small_lessons import small_lessons

__all__ = ["small_lessons"]
TIP = "Here you choose the way to look inside."


def spots(at: AppTest) -> list[dict[str, str]]:
    """What is pointed at: key of the control, words."""
    handed = [json.loads(part.proto.json) for part in at.get("bidi_component") if part.proto.json]
    return [data for data in handed if "text" in data]


def test_the_note_stands_on_its_page_until_it_is_closed(open_page: OpenPage, train: Train) -> None:
    run = train("softmax", epochs=1)
    at = open_page("pages/lab/inside/page.py", run=run.run_id, view="why", tip="choosing.0")
    assert TIP in words(at)
    assert spots(at) == [{"key": "inside_view", "text": TIP}]
    assert "tip" not in at.query_params, "a page takes the rest of the address for its own"
    back = [link.proto for link in at.get("page_link") if link.proto.label.startswith("Back to the lesson")]
    assert [(link.label, link.query_string) for link in back] == [("Back to the lesson “Two rates”", "lesson=choosing")]
    at.run()
    assert TIP in words(at)
    at.button(key="pointer_close").click().run()
    assert not spots(at)
    at.query_params["tip"] = "choosing.0"
    at.run()
    assert spots(at)
    at.switch_page("pages/learn/words/page.py").run()
    at.switch_page("pages/lab/inside/page.py").run()
    assert not spots(at), "another page was opened since"


@pytest.mark.parametrize(
    "tip", ["choosing.0", "choosing.7", "choosing", "nothing.0", "choosing.-1", "<b>Pay here</b>.0", "."]
)
def test_no_other_words_and_no_other_page(open_page: OpenPage, tip: str) -> None:
    at = open_page("pages/learn/words/page.py", tip=tip)
    assert not spots(at)
    assert TIP not in words(at)
    assert "Pay here" not in words(at)
    assert "tip" not in at.query_params


def test_a_link_without_a_note_only_leads_back(open_page: OpenPage) -> None:
    at = open_page("pages/learn/data/page.py", tip="choosing.1")
    assert not spots(at)
    assert any(link.proto.label.startswith("Back to the lesson") for link in at.get("page_link"))
