"""A class on one lesson: seconds until the board has a guess are counted, and a board is read as a browser gets it."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("websockets")

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench import lesson_class
from bench.visitor import Visitor


def test_a_guess_is_on_the_board_when_it_has_as_many_as_were_locked_in() -> None:
    locked = {0: ("A", 10.0), 1: ("B", 11.0), 2: ("A", 20.0)}
    counted = [(9.0, 0), (11.5, 1), (13.0, 2), (15.0, 2)]
    assert lesson_class.until_counted(locked, counted) == pytest.approx([1.5, 2.0]), "the third one never came"
    assert lesson_class.until_counted({}, counted) == []


def test_a_visitor_reads_words_and_large_numbers_and_knows_what_draws_itself_anew() -> None:
    visitor = Visitor(socket=None, url="http://localhost")
    again, number, words = ForwardMsg(), ForwardMsg(), ForwardMsg()
    again.auto_rerun.fragment_id, again.auto_rerun.interval = "board", 2.0
    number.delta.new_element.metric.label, number.delta.new_element.metric.body = "Guesses", "30"
    words.delta.new_element.markdown.body = "30 guesses"
    for message in (again, number, words):
        assert not visitor._take(message)
    assert (visitor.repeated, visitor.metrics, visitor.words) == (["board"], {"Guesses": "30"}, ["30 guesses"])


def test_of_several_moving_parts_the_one_that_goes_on_is_followed() -> None:
    visitor = Visitor(socket=None, url="http://localhost")

    def part(address: str, **statuses: str) -> ForwardMsg:
        message = ForwardMsg()
        message.delta.fragment_id = "watch"
        values = {"snapshot": {"statuses": statuses}, "live": True, "address": address, "every": 1000}
        message.delta.new_element.bidi_component.id = address
        message.delta.new_element.bidi_component.json = json.dumps(values)
        return message

    visitor._take(part("progress", a="finished", b="running"))
    visitor._take(part("curves", a="finished"))
    assert visitor.moving is not None
    assert visitor.moving.address == "progress", "the curves have ended; the page would never be drawn anew for them"
    visitor._take(part("curves of others", c="queued"))
    assert visitor.moving.address == "curves of others"


def test_what_can_not_be_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--lesson", "nothing"], ["--pupils", "0"], ["--lesson", "draw-the-band"]):
        assert lesson_class.main(arguments) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.alone
@pytest.mark.slow
def test_four_pupils_in_a_hurry_are_all_on_the_board(capsys: pytest.CaptureFixture[str]) -> None:
    assert lesson_class.main(["--quick", "--json"]) == 0
    rows = {row["part"]: row for row in map(json.loads, capsys.readouterr().out.splitlines()) if "part" in row}
    assert rows["board"]["wrong"] == []
    assert (rows["board"]["n"], rows["errors"]["n"]) == (4, 0)
    assert rows["guess locked in"]["n"] == 4
